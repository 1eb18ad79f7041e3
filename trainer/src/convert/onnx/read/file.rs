//! An `.onnx` file as its graph: names and tensors are parts of the file's bytes. Source of the
//! field numbers: ONNX's `onnx.proto`.

use burn::tensor::f16;

use super::problem::OnnxProblem;
use crate::convert::onnx::messages::DataType;
use crate::system::protobuf::{Field, fields, packed_varints};

/// Nodes, or tensors, of a graph: several times as many as the largest generator has.
const MAX_ITEMS: usize = 2048;
/// Names, attributes and numbers of one thing.
pub(super) const MAX_LIST: usize = 64;

type Result<T> = std::result::Result<T, OnnxProblem>;

#[derive(Debug, Default)]
pub(super) struct Graph<'a> {
    pub nodes: Vec<Node<'a>>,
    pub constants: Vec<Tensor<'a>>,
    pub inputs: Vec<&'a str>,
    pub outputs: Vec<&'a str>,
}

#[derive(Debug, Default)]
pub(super) struct Node<'a> {
    pub name: &'a str,
    pub operator: &'a str,
    pub domain: &'a str,
    pub inputs: Vec<&'a str>,
    pub outputs: Vec<&'a str>,
    pub attributes: Vec<Attribute<'a>>,
}

#[derive(Debug, Default)]
pub(super) struct Attribute<'a> {
    pub name: &'a str,
    pub int: i64,
    pub float: f32,
    pub text: &'a [u8],
    pub ints: Vec<i64>,
    pub tensor: Option<Tensor<'a>>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Tensor<'a> {
    pub name: &'a str,
    pub shape: Vec<usize>,
    data_type: u64,
    /// Little-endian.
    bytes: &'a [u8],
    /// Integers that are not in `bytes`.
    ints: Vec<i64>,
    is_external: bool,
}

/// A graph, and what the file says of itself: names and values.
pub(super) struct Model<'a> {
    pub graph: Graph<'a>,
    pub properties: Vec<(&'a str, &'a str)>,
}

pub(super) fn model(bytes: &[u8]) -> Result<Model<'_>> {
    let mut graph = None;
    let mut properties = Vec::new();
    each_field(bytes, |number, field| {
        match number {
            7 => graph = Some(read_graph(part(field)?)?),
            14 => {
                let mut pair = ("", "");
                each_field(part(field)?, |number, field| {
                    match number {
                        1 => pair.0 = text(field)?,
                        2 => pair.1 = text(field)?,
                        _ => {}
                    }
                    Ok(())
                })?;
                push(&mut properties, pair, MAX_LIST)?;
            }
            _ => {}
        }
        Ok(())
    })?;
    let graph = graph.ok_or_else(|| damaged("it has no graph"))?;
    Ok(Model { graph, properties })
}

fn read_graph(bytes: &[u8]) -> Result<Graph<'_>> {
    let mut graph = Graph::default();
    each_field(bytes, |number, field| match number {
        1 => push(&mut graph.nodes, read_node(part(field)?)?, MAX_ITEMS),
        5 => push(&mut graph.constants, read_tensor(part(field)?)?, MAX_ITEMS),
        11 => push(&mut graph.inputs, first_text(part(field)?)?, MAX_ITEMS),
        12 => push(&mut graph.outputs, first_text(part(field)?)?, MAX_LIST),
        _ => Ok(()),
    })?;
    Ok(graph)
}

fn read_node(bytes: &[u8]) -> Result<Node<'_>> {
    let mut node = Node::default();
    each_field(bytes, |number, field| {
        match number {
            1 => push(&mut node.inputs, text(field)?, MAX_LIST)?,
            2 => push(&mut node.outputs, text(field)?, MAX_LIST)?,
            3 => node.name = text(field)?,
            4 => node.operator = text(field)?,
            5 => push(
                &mut node.attributes,
                read_attribute(part(field)?)?,
                MAX_LIST,
            )?,
            7 => node.domain = text(field)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(node)
}

fn read_attribute(bytes: &[u8]) -> Result<Attribute<'_>> {
    let mut attribute = Attribute::default();
    each_field(bytes, |number, field| {
        match (number, field) {
            (1, _) => attribute.name = text(field)?,
            (2, Field::Fixed32(bits)) => attribute.float = f32::from_bits(bits),
            (3, Field::Varint(value)) => attribute.int = value as i64,
            (4, _) => attribute.text = part(field)?,
            (5, _) => attribute.tensor = Some(read_tensor(part(field)?)?),
            (8, _) => integers(&mut attribute.ints, field)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(attribute)
}

fn read_tensor(bytes: &[u8]) -> Result<Tensor<'_>> {
    let mut tensor = Tensor::default();
    let mut shape = Vec::new();
    each_field(bytes, |number, field| {
        match (number, field) {
            (1, _) => integers(&mut shape, field)?,
            (2, Field::Varint(data_type)) => tensor.data_type = data_type,
            // Numbers of 32 bits are the same bytes, whether they are called raw or not.
            (4 | 9, Field::Bytes(bytes)) => tensor.bytes = bytes,
            (7, _) => integers(&mut tensor.ints, field)?,
            (8, _) => tensor.name = text(field)?,
            (14, Field::Varint(location)) => tensor.is_external = location != 0,
            _ => {}
        }
        Ok(())
    })?;
    let sides = shape.iter().map(|&side| usize::try_from(side));
    let sides: std::result::Result<_, _> = sides.collect();
    tensor.shape = sides.map_err(|_| damaged("a tensor has a negative side"))?;
    match tensor.is_external {
        true => Err(OnnxProblem::External(tensor.name.to_owned())),
        false => Ok(tensor),
    }
}

impl<'a> Node<'a> {
    pub fn attribute(&self, name: &str) -> Option<&Attribute<'a>> {
        self.attributes.iter().find(|it| it.name == name)
    }
}

impl Tensor<'_> {
    /// How many bytes hold its values.
    pub fn stored(&self) -> usize {
        self.bytes.len()
    }

    /// Its values, if they are floats and as many as the shape says.
    pub fn floats(&self) -> Option<Vec<f32>> {
        let (count, bytes) = (self.count()?, self.bytes);
        // Compared before there is room for them.
        let fits = |size: usize| count.checked_mul(size) == Some(bytes.len());
        if self.data_type == DataType::F32 as u64 && fits(4) {
            let (values, _) = bytes.as_chunks();
            let values = values.iter().map(|&bytes| f32::from_le_bytes(bytes));
            Some(values.collect())
        } else if self.data_type == DataType::F16 as u64 && fits(2) {
            let (values, _) = bytes.as_chunks();
            let values = values.iter().map(|&bytes| f16::from_le_bytes(bytes));
            Some(values.map(f16::to_f32).collect())
        } else {
            None
        }
    }

    /// Its values, if they are a few integers.
    pub fn integers(&self) -> Option<Vec<i64>> {
        if self.data_type != DataType::I64 as u64 || self.bytes.len() > 8 * MAX_LIST {
            return None;
        }
        let (values, _) = self.bytes.as_chunks();
        let raw = values.iter().map(|&bytes| i64::from_le_bytes(bytes));
        let values: Vec<i64> = raw.chain(self.ints.iter().copied()).collect();
        (self.count() == Some(values.len())).then_some(values)
    }

    fn count(&self) -> Option<usize> {
        let mut sides = self.shape.iter();
        sides.try_fold(1usize, |count, &side| count.checked_mul(side))
    }
}

fn each_field<'a>(
    bytes: &'a [u8],
    mut each: impl FnMut(u32, Field<'a>) -> Result<()>,
) -> Result<()> {
    for field in fields(bytes) {
        let (number, field) = field.map_err(damaged)?;
        each(number, field)?;
    }
    Ok(())
}

/// Field 1 of a message.
fn first_text(bytes: &[u8]) -> Result<&str> {
    let mut found = "";
    each_field(bytes, |number, field| {
        if number == 1 {
            found = text(field)?;
        }
        Ok(())
    })?;
    Ok(found)
}

fn part(field: Field<'_>) -> Result<&[u8]> {
    match field {
        Field::Bytes(bytes) => Ok(bytes),
        _ => Err(damaged("a number in place of a message")),
    }
}

fn text(field: Field<'_>) -> Result<&str> {
    std::str::from_utf8(part(field)?).map_err(damaged)
}

/// One, or several without gaps.
fn integers(list: &mut Vec<i64>, field: Field<'_>) -> Result<()> {
    let found = match field {
        Field::Varint(value) => vec![value],
        _ => packed_varints(part(field)?, MAX_LIST + 1).map_err(damaged)?,
    };
    let mut found = found.into_iter();
    found.try_for_each(|value| push(list, value as i64, MAX_LIST))
}

fn push<T>(list: &mut Vec<T>, item: T, most: usize) -> Result<()> {
    if list.len() == most {
        return Err(OnnxProblem::TooMany);
    }
    list.push(item);
    Ok(())
}

fn damaged(what: impl ToString) -> OnnxProblem {
    OnnxProblem::Damaged(what.to_string())
}
