//! The plan of a generator as operators of ONNX.

use model::geometry::{ConvGeometry, ConvKind};
use model::norm::NORM_EPSILON;
use model::plan::{Activation, Edge, PlannedLayer, Source};
use model::{InferenceNorm, LEAKY_SLOPE, LayerTensors, Plan};

use super::OnnxPrecision;
use super::messages::{Attribute, Constant, DataType, Node};

/// Name of what the model takes.
pub(super) const INPUT: &str = "input";
/// Name of what the model gives.
pub(super) const OUTPUT: &str = "output";

/// Operators and tensors, as far as they are known.
pub(super) struct Operators {
    pub nodes: Vec<Node>,
    pub constants: Vec<Constant>,
    precision: OnnxPrecision,
}

/// The operators of a network. `tensors` has one entry for each layer of the plan.
pub(super) fn operators(
    plan: &Plan,
    tensors: Vec<LayerTensors>,
    precision: OnnxPrecision,
) -> Operators {
    let mut operators = Operators {
        nodes: Vec::new(),
        constants: Vec::new(),
        precision,
    };
    let mut outputs: Vec<String> = Vec::with_capacity(plan.layers.len());
    for (layer, tensors) in plan.layers.iter().zip(tensors) {
        let name_of = |source: &Source| match source {
            Source::Image => INPUT.to_owned(),
            Source::Layer(index) => outputs[*index].clone(),
        };
        let inputs = layer.inputs.iter().map(name_of).collect();
        let added = layer.adds.as_ref().map(name_of);
        outputs.push(operators.layer(layer, inputs, added, &tensors));
    }
    if let Some(last) = outputs.pop()
        && plan.adds_input
    {
        operators.clamped_sum(last);
    }
    // Nothing else reads what the last operator gives.
    if let Some(last) = operators.nodes.last_mut() {
        OUTPUT.clone_into(&mut last.output);
    }
    operators
}

impl Operators {
    /// Adds an operator and gives the name of its output.
    fn node(
        &mut self,
        operator: &'static str,
        name: String,
        inputs: Vec<String>,
        attributes: Vec<(&'static str, Attribute)>,
    ) -> String {
        self.nodes.push(Node {
            operator,
            output: name.clone(),
            name: name.clone(),
            inputs,
            attributes,
        });
        name
    }

    /// Adds a tensor and gives its name; one of a name that is there already is the same.
    fn constant(&mut self, constant: Constant) -> String {
        let name = constant.name.clone();
        if self.constants.iter().all(|known| known.name != name) {
            self.constants.push(constant);
        }
        name
    }

    fn floats(&mut self, name: impl Into<String>, shape: &[usize], values: &[f32]) -> String {
        let (name, shape) = (name.into(), shape.to_vec());
        self.constant(Constant::floats(name, shape, values, DataType::F32))
    }

    /// A layer, in the order of the plan's fields.
    fn layer(
        &mut self,
        layer: &PlannedLayer,
        mut inputs: Vec<String>,
        added: Option<String>,
        tensors: &LayerTensors,
    ) -> String {
        let path = &layer.path;
        let joined = match inputs.len() {
            1 => inputs.remove(0),
            _ => {
                let axis = vec![("axis", Attribute::Int(1))];
                self.node("Concat", format!("{path}.inputs"), inputs, axis)
            }
        };
        let x = self.activation(layer.before, format!("{path}.before"), joined);
        let (x, padding) = match layer.edge {
            Edge::Zeros => (x, layer.conv.padding),
            Edge::Reflection => (self.reflection(path, x, layer.conv.padding), 0),
        };
        let x = self.convolution(path, x, padding, tensors);
        let x = self.norm(path, x, layer.channels[1], &tensors.norm);
        let x = self.activation(layer.after, format!("{path}.after"), x);
        match added {
            Some(added) => self.of_two("Add", format!("{path}.sum"), [&added, &x]),
            None => x,
        }
    }

    fn activation(&mut self, activation: Activation, name: String, x: String) -> String {
        let (operator, attributes) = match activation {
            Activation::Identity => return x,
            Activation::Relu => ("Relu", Vec::new()),
            Activation::Tanh => ("Tanh", Vec::new()),
            Activation::LeakyRelu => {
                let slope = Attribute::Float(LEAKY_SLOPE as f32);
                ("LeakyRelu", vec![("alpha", slope)])
            }
        };
        self.node(operator, name, vec![x], attributes)
    }

    fn reflection(&mut self, path: &str, x: String, width: usize) -> String {
        let w = width as i64;
        let widths = [0, 0, w, w, 0, 0, w, w];
        let widths = self.constant(Constant::integers(format!("reflection.{width}"), &widths));
        let mode = vec![("mode", Attribute::Text("reflect"))];
        self.node("Pad", format!("{path}.edge"), vec![x, widths], mode)
    }

    fn convolution(
        &mut self,
        path: &str,
        x: String,
        padding: usize,
        tensors: &LayerTensors,
    ) -> String {
        let conv = tensors.conv;
        let (x, padding) = match conv.kind {
            ConvKind::Resized => (self.doubled(path, x), padding),
            ConvKind::Bilinear => (self.interpolated(path, x, tensors.weight.shape[1]), 0),
            ConvKind::Convolution | ConvKind::Transposed => (x, padding),
        };
        let data_type = match self.precision {
            OnnxPrecision::F32 => DataType::F32,
            OnnxPrecision::F16 => DataType::F16,
        };
        let mut inputs = vec![self.converted(format!("{path}.lowered"), x, data_type)];
        let weight = tensors.scaled_weight();
        inputs.push(self.constant(Constant::floats(
            format!("{path}.weight"),
            weight.shape,
            &weight.values,
            data_type,
        )));
        if let InferenceNorm::Fixed { bias } = &tensors.norm {
            let (name, shape) = (format!("{path}.bias"), vec![bias.len()]);
            inputs.push(self.constant(Constant::floats(name, shape, bias, data_type)));
        }
        let (operator, attributes) = geometry(conv, padding);
        let x = self.node(operator, format!("{path}.conv"), inputs, attributes);
        self.converted(format!("{path}.raised"), x, DataType::F32)
    }

    /// Convolutions alone compute in 16 bits; nothing is converted where they do not.
    fn converted(&mut self, name: String, x: String, to: DataType) -> String {
        if self.precision == OnnxPrecision::F32 {
            return x;
        }
        let to = vec![("to", Attribute::Int(to as i64))];
        self.node("Cast", name, vec![x], to)
    }

    /// Each pixel becomes four of its kind.
    fn doubled(&mut self, path: &str, x: String) -> String {
        let scales = self.floats("doubling", &[4], &[1.0, 1.0, 2.0, 2.0]);
        let attributes = vec![
            (
                "coordinate_transformation_mode",
                Attribute::Text("asymmetric"),
            ),
            ("mode", Attribute::Text("nearest")),
            ("nearest_mode", Attribute::Text("floor")),
        ];
        // The region of interest, which this mode has no use for, has no name.
        let inputs = vec![x, String::new(), scales];
        self.node("Resize", format!("{path}.doubled"), inputs, attributes)
    }

    /// Bilinear, with one pixel more at each edge and zeros beyond: as a transposed convolution of
    /// each channel on its own, since Resize repeats what lies at the edges.
    fn interpolated(&mut self, path: &str, x: String, channels: usize) -> String {
        const SHARES: [f32; 4] = [0.25, 0.75, 0.75, 0.25];
        let kernel = SHARES.map(|down| SHARES.map(|across| down * across));
        let values = kernel.as_flattened().repeat(channels);
        let kernel = self.floats(
            format!("bilinear.{channels}"),
            &[channels, 1, 4, 4],
            &values,
        );
        let attributes = vec![
            ("group", Attribute::Int(channels as i64)),
            ("kernel_shape", Attribute::Ints(vec![4; 2])),
            ("strides", Attribute::Ints(vec![2; 2])),
        ];
        let name = format!("{path}.interpolated");
        self.node("ConvTranspose", name, vec![x, kernel], attributes)
    }

    fn norm(&mut self, path: &str, x: String, channels: usize, norm: &InferenceNorm) -> String {
        match norm {
            InferenceNorm::Fixed { .. } => x,
            InferenceNorm::OfImage => {
                let shape = [channels];
                let scale = self.floats(format!("ones.{channels}"), &shape, &vec![1.0; channels]);
                let shift = self.floats(format!("zeros.{channels}"), &shape, &vec![0.0; channels]);
                let epsilon = vec![("epsilon", Attribute::Float(NORM_EPSILON as f32))];
                let inputs = vec![x, scale, shift];
                let name = format!("{path}.norm");
                self.node("InstanceNormalization", name, inputs, epsilon)
            }
            InferenceNorm::OfBatch { scale, shift } => {
                let shape = [1, channels, 1, 1];
                let scale = self.floats(format!("{path}.norm.scale"), &shape, scale);
                let shift = self.floats(format!("{path}.norm.shift"), &shape, shift);
                self.of_batch(&format!("{path}.norm"), x, scale, shift)
            }
        }
    }

    /// ONNX's batch norm has no statistics but running ones.
    fn of_batch(&mut self, path: &str, x: String, scale: String, shift: String) -> String {
        let name = |step: &str| format!("{path}.{step}");
        let epsilon = self.floats("epsilon", &[], &[NORM_EPSILON as f32]);
        let mean = self.mean(name("mean"), x.clone());
        let centred = self.of_two("Sub", name("centred"), [&x, &mean]);
        let squares = self.of_two("Mul", name("squares"), [&centred, &centred]);
        let variance = self.mean(name("variance"), squares);
        let positive = self.of_two("Add", name("positive"), [&variance, &epsilon]);
        let deviation = self.node("Sqrt", name("deviation"), vec![positive], Vec::new());
        let gain = self.of_two("Div", name("gain"), [&scale, &deviation]);
        let scaled = self.of_two("Mul", name("scaled"), [&centred, &gain]);
        self.of_two("Add", path.to_owned(), [&scaled, &shift])
    }

    fn of_two(&mut self, operator: &'static str, name: String, inputs: [&String; 2]) -> String {
        self.node(
            operator,
            name,
            inputs.map(String::clone).to_vec(),
            Vec::new(),
        )
    }

    /// Of each channel, over all pixels of all images.
    fn mean(&mut self, name: String, x: String) -> String {
        let axes = vec![
            ("axes", Attribute::Ints(vec![0, 2, 3])),
            ("keepdims", Attribute::Int(1)),
        ];
        self.node("ReduceMean", name, vec![x], axes)
    }

    fn clamped_sum(&mut self, x: String) {
        let inputs = [&x, &INPUT.to_owned()];
        let sum = self.of_two("Add", "residual.sum".to_owned(), inputs);
        let least = self.floats("least", &[], &[-1.0]);
        let most = self.floats("most", &[], &[1.0]);
        let inputs = vec![sum, least, most];
        self.node("Clip", "residual.clamped".to_owned(), inputs, Vec::new());
    }
}

/// Operator and attributes of a convolution that pads with so many zeros.
fn geometry(conv: ConvGeometry, padding: usize) -> (&'static str, Vec<(&'static str, Attribute)>) {
    let (kernel, stride, padding) = (conv.kernel as i64, conv.stride as i64, padding as i64);
    let mut attributes = vec![
        ("kernel_shape", Attribute::Ints(vec![kernel; 2])),
        ("pads", Attribute::Ints(vec![padding; 4])),
        ("strides", Attribute::Ints(vec![stride; 2])),
    ];
    match conv.kind {
        ConvKind::Convolution | ConvKind::Resized | ConvKind::Bilinear => ("Conv", attributes),
        ConvKind::Transposed => {
            // What is missing to a doubled size.
            let missing = stride + 2 * padding - kernel;
            attributes.push(("output_padding", Attribute::Ints(vec![missing; 2])));
            ("ConvTranspose", attributes)
        }
    }
}
