//! The few protocol buffers of an ONNX model. Source of the field numbers: ONNX's `onnx.proto`.

use burn::tensor::f16;

use crate::system::protobuf::message;

/// The format of the file, as it was when [`OPSET`] appeared.
const IR_VERSION: i64 = 8;
/// What the operators mean.
const OPSET: i64 = 17;

/// Type of a tensor's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DataType {
    F32 = 1,
    I64 = 7,
    F16 = 10,
}

/// A model: what it computes, and what it says of itself.
pub(super) struct Model<'a> {
    pub producer: &'a str,
    pub graph: Graph,
    pub properties: Vec<(&'a str, String)>,
}

/// Nodes in the order in which they run.
pub(super) struct Graph {
    pub name: String,
    pub nodes: Vec<Node>,
    pub constants: Vec<Constant>,
    pub input: Value,
    pub output: Value,
}

/// An operator with one output.
pub(super) struct Node {
    pub operator: &'static str,
    pub name: String,
    pub inputs: Vec<String>,
    pub output: String,
    pub attributes: Vec<(&'static str, Attribute)>,
}

pub(super) enum Attribute {
    Int(i64),
    Ints(Vec<i64>),
    Float(f32),
    Text(&'static str),
}

/// A tensor that belongs to the model.
pub(super) struct Constant {
    pub name: String,
    pub shape: Vec<usize>,
    pub data_type: DataType,
    /// Little-endian.
    pub bytes: Vec<u8>,
}

/// Floats that a model takes or gives.
pub(super) struct Value {
    pub name: &'static str,
    pub shape: [Length; 4],
}

/// Of a dimension.
#[derive(Clone, Copy, Debug)]
pub(super) enum Length {
    Fixed(usize),
    Named(&'static str),
}

impl Constant {
    pub fn floats(name: String, shape: Vec<usize>, values: &[f32], data_type: DataType) -> Self {
        let values = values.iter();
        let bytes = match data_type {
            DataType::F16 => values
                .flat_map(|value| f16::from_f32(*value).to_le_bytes())
                .collect(),
            _ => values.flat_map(|value| value.to_le_bytes()).collect(),
        };
        Self {
            name,
            shape,
            data_type,
            bytes,
        }
    }

    pub fn integers(name: String, values: &[i64]) -> Self {
        Self {
            name,
            shape: vec![values.len()],
            data_type: DataType::I64,
            bytes: values.iter().flat_map(|it| it.to_le_bytes()).collect(),
        }
    }

    fn encoded(&self) -> Vec<u8> {
        message(|tensor| {
            for length in &self.shape {
                tensor.write_int64(1, *length as i64)?;
            }
            tensor.write_int32(2, self.data_type as i32)?;
            tensor.write_string(8, &self.name)?;
            tensor.write_bytes(9, &self.bytes)
        })
    }
}

impl Model<'_> {
    pub fn encoded(&self) -> Vec<u8> {
        message(|model| {
            model.write_int64(1, IR_VERSION)?;
            model.write_string(2, self.producer)?;
            model.write_bytes(7, &self.graph.encoded())?;
            model.write_bytes(8, &message(|opset| opset.write_int64(2, OPSET)))?;
            let mut properties = self.properties.iter();
            properties.try_for_each(|(key, value)| {
                let property = message(|property| {
                    property.write_string(1, key)?;
                    property.write_string(2, value)
                });
                model.write_bytes(14, &property)
            })
        })
    }
}

impl Graph {
    fn encoded(&self) -> Vec<u8> {
        message(|graph| {
            for node in &self.nodes {
                graph.write_bytes(1, &node.encoded())?;
            }
            graph.write_string(2, &self.name)?;
            for constant in &self.constants {
                graph.write_bytes(5, &constant.encoded())?;
            }
            graph.write_bytes(11, &self.input.encoded())?;
            graph.write_bytes(12, &self.output.encoded())
        })
    }
}

impl Node {
    fn encoded(&self) -> Vec<u8> {
        message(|node| {
            for input in &self.inputs {
                node.write_string(1, input)?;
            }
            node.write_string(2, &self.output)?;
            node.write_string(3, &self.name)?;
            node.write_string(4, self.operator)?;
            let mut attributes = self.attributes.iter();
            attributes.try_for_each(|(name, value)| node.write_bytes(5, &value.encoded(name)))
        })
    }
}

impl Attribute {
    /// Field 20 says which of the others is there.
    fn encoded(&self, name: &str) -> Vec<u8> {
        message(|attribute| {
            attribute.write_string(1, name)?;
            match self {
                Self::Float(value) => {
                    attribute.write_float(2, *value)?;
                    attribute.write_enum(20, 1)
                }
                Self::Int(value) => {
                    attribute.write_int64(3, *value)?;
                    attribute.write_enum(20, 2)
                }
                Self::Text(value) => {
                    attribute.write_bytes(4, value.as_bytes())?;
                    attribute.write_enum(20, 3)
                }
                Self::Ints(values) => {
                    for value in values {
                        attribute.write_int64(8, *value)?;
                    }
                    attribute.write_enum(20, 7)
                }
            }
        })
    }
}

impl Value {
    fn encoded(&self) -> Vec<u8> {
        let shape = message(|shape| {
            let mut lengths = self.shape.iter();
            lengths.try_for_each(|length| {
                let length = message(|dimension| match length {
                    Length::Fixed(length) => dimension.write_int64(1, *length as i64),
                    Length::Named(name) => dimension.write_string(2, name),
                });
                shape.write_bytes(1, &length)
            })
        });
        let tensor = message(|tensor| {
            tensor.write_enum(1, DataType::F32 as i32)?;
            tensor.write_bytes(2, &shape)
        });
        let kind = message(|kind| kind.write_bytes(1, &tensor));
        message(|value| {
            value.write_string(1, self.name)?;
            value.write_bytes(2, &kind)
        })
    }
}
