//! The nodes of a graph, one after the other, as convolutions and what lies between them.

use std::collections::HashMap;
use std::rc::Rc;

use model::LEAKY_SLOPE;
use model::geometry::{ConvGeometry, ConvKind};
use model::plan::Activation;

use super::file::{Graph, Node, Tensor};
use super::norms::Part;
use super::problem::OnnxProblem;
use super::shape_arithmetic::{Integers, computed};
use super::signal::{Kind, Signal};

/// More than any generator has.
const MAX_LAYERS: usize = 64;
/// As many channels as the widest layer of a generator has.
const MAX_CHANNELS: usize = 4096;

/// What a graph computes.
pub(super) struct Found<'a> {
    pub layers: Vec<Layer<'a>>,
    pub output: Signal,
}

/// A convolution.
pub(super) struct Layer<'a> {
    pub name: &'a str,
    pub operator: &'a str,
    pub input: Signal,
    /// Mirrored pixels beyond the edges of its input.
    pub reflected: Option<usize>,
    pub conv: ConvGeometry,
    pub weight: Rc<Tensor<'a>>,
    pub bias: Option<Rc<Tensor<'a>>>,
}

/// What a name stands for.
#[derive(Clone)]
pub(super) enum Value<'a> {
    Constant(Rc<Tensor<'a>>),
    Integers(Integers),
    Signal(Signal),
    Part(Part),
}

pub(super) struct Walk<'a> {
    values: HashMap<&'a str, Value<'a>>,
    layers: Vec<Layer<'a>>,
}

pub(super) fn walk(graph: Graph<'_>) -> Result<Found<'_>, OnnxProblem> {
    let constants = graph.constants.into_iter();
    let constants = constants.map(|tensor| (tensor.name, Value::Constant(Rc::new(tensor))));
    let values: HashMap<&str, Value<'_>> = constants.collect();
    // Old files list their constants as inputs, too.
    let inputs = graph
        .inputs
        .iter()
        .filter(|name| !values.contains_key(**name));
    let inputs: Vec<&str> = inputs.copied().collect();
    let ([input], [output]) = (&inputs[..], &graph.outputs[..]) else {
        return Err(OnnxProblem::OtherNetwork(format!(
            "it has {} inputs and {} outputs, a generator one of each",
            inputs.len(),
            graph.outputs.len()
        )));
    };
    let mut walk = Walk {
        values,
        layers: Vec::new(),
    };
    walk.values.insert(*input, Value::Signal(Signal::image()));
    for node in &graph.nodes {
        let value = walk.value(node).map_err(|reason| OnnxProblem::Node {
            node: node.name.to_owned(),
            operator: node.operator.to_owned(),
            reason,
        })?;
        // A second output is a mask or a statistic, which nothing of a generator takes.
        if let Some(output) = node.outputs.first() {
            walk.values.insert(*output, value);
        }
    }
    match walk.values.remove(output) {
        Some(Value::Signal(output)) => Ok(Found {
            layers: walk.layers,
            output,
        }),
        _ => Err(OnnxProblem::OtherNetwork(format!(
            "its output \"{output}\" does not come from its input"
        ))),
    }
}

impl<'a> Walk<'a> {
    fn value(&mut self, node: &Node<'a>) -> Result<Value<'a>, String> {
        if !matches!(node.domain, "" | "ai.onnx") {
            return Err(format!("an operator of \"{}\", not of ONNX", node.domain));
        }
        let signal = match node.operator {
            "Constant" => return constant(node),
            "Conv" => self.convolution(node, ConvKind::Convolution)?,
            "ConvTranspose" if int(node, "group", 1) != 1 => self.interpolation(node)?,
            "ConvTranspose" => self.convolution(node, ConvKind::Transposed)?,
            "Relu" => self.signal(node, 0)?.activated(Activation::Relu)?,
            "Tanh" => self.signal(node, 0)?.activated(Activation::Tanh)?,
            "LeakyRelu" => self.leaky(node)?,
            "Pad" => self.reflection(node)?,
            "Resize" => self.doubling(node)?,
            "Clip" => self.clamping(node)?,
            "BatchNormalization" => self.batch_norm(node)?,
            "InstanceNormalization" => self.instance_norm(node)?,
            // Generators drop nothing here when they translate.
            "Dropout" | "Identity" => return self.input(node, 0),
            "Concat" if self.is_signal(node, 0) => {
                self.expect(int(node, "axis", 1) == 1, "channels joined (axis 1)")?;
                let parts = (0..node.inputs.len()).map(|at| self.signal(node, at));
                Signal::joined(parts.collect::<Result<_, _>>()?)?
            }
            "Add" if self.is_signal(node, 0) && self.is_signal(node, 1) => {
                Signal::sum(self.signal(node, 0)?, self.signal(node, 1)?)?
            }
            "Cast" if self.is_signal(node, 0) => self.signal(node, 0)?,
            "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Sqrt" | "Reciprocal" | "ReduceMean" => {
                return self.norm_part(node);
            }
            _ => return self.integers_of(node),
        };
        Ok(Value::Signal(signal))
    }

    pub fn input(&self, node: &Node<'a>, at: usize) -> Result<Value<'a>, String> {
        let name = node.inputs.get(at).copied().unwrap_or_default();
        let value = self.values.get(name).cloned();
        value.ok_or_else(|| format!("its input {at}, \"{name}\", is missing"))
    }

    fn is_signal(&self, node: &Node<'a>, at: usize) -> bool {
        matches!(self.input(node, at), Ok(Value::Signal(_)))
    }

    pub fn signal(&self, node: &Node<'a>, at: usize) -> Result<Signal, String> {
        match self.input(node, at)? {
            Value::Signal(signal) => Ok(signal),
            _ => Err(format!("its input {at} does not come from the image")),
        }
    }

    pub fn constant(&self, node: &Node<'a>, at: usize) -> Result<Rc<Tensor<'a>>, String> {
        match self.input(node, at)? {
            Value::Constant(tensor) => Ok(tensor),
            _ => Err(format!("its input {at} is not a tensor of the file")),
        }
    }

    /// As many numbers as a layer has channels, at most.
    pub fn vector(&self, node: &Node<'a>, at: usize) -> Result<Vec<f32>, String> {
        vector(&*self.constant(node, at)?)
            .ok_or_else(|| format!("its input {at} is not one float for each channel"))
    }

    fn integers(&self, node: &Node<'a>, at: usize) -> Result<Integers, String> {
        let integers = match self.input(node, at)? {
            Value::Integers(integers) => Some(integers),
            Value::Constant(tensor) => tensor.integers().map(|values| Integers {
                shape: tensor.shape.clone(),
                values,
            }),
            _ => None,
        };
        integers.ok_or_else(|| format!("its input {at} is not a few integers"))
    }

    pub fn expect(&self, holds: bool, expected: &str) -> Result<(), String> {
        match holds {
            true => Ok(()),
            false => Err(format!("{expected} expected")),
        }
    }

    fn integers_of(&self, node: &Node<'a>) -> Result<Value<'a>, String> {
        let inputs = (0..node.inputs.len()).map(|at| self.integers(node, at));
        let inputs: Result<Vec<Integers>, String> = inputs.collect();
        let value = inputs.ok().and_then(|inputs| computed(node, &inputs));
        let value = value.map(Value::Integers);
        value.ok_or_else(|| "no generator has such an operator here".to_owned())
    }

    fn convolution(&mut self, node: &Node<'a>, kind: ConvKind) -> Result<Signal, String> {
        let (weight, input) = (self.constant(node, 1)?, self.signal(node, 0)?);
        let bias = match node.inputs.get(2) {
            Some(name) if !name.is_empty() => Some(self.constant(node, 2)?),
            _ => None,
        };
        // Some exporters give every convolution one.
        let is_zero = |bias: &Rc<Tensor<'a>>| {
            vector(bias).is_some_and(|values| values.iter().all(|value| *value == 0.0))
        };
        let bias = bias.filter(|bias| !is_zero(bias));
        let conv = geometry(node, &weight, kind)?;
        let (input, reflected, conv) = match (&*input.kind, kind) {
            (Kind::Reflected(width, inner), _) => {
                self.expect(conv.padding == 0, "no zeros beyond mirrored edges")?;
                let conv = ConvGeometry {
                    padding: *width,
                    ..conv
                };
                (inner.clone(), Some(*width), conv)
            }
            (Kind::Doubled(inner), ConvKind::Convolution) => {
                let kind = ConvKind::Resized;
                (inner.clone(), None, ConvGeometry { kind, ..conv })
            }
            (Kind::Interpolated(inner), ConvKind::Convolution) => {
                let (kind, padding) = (ConvKind::Bilinear, conv.padding + 1);
                let conv = ConvGeometry {
                    kind,
                    padding,
                    ..conv
                };
                (inner.clone(), None, conv)
            }
            _ => (input, None, conv),
        };
        if self.layers.len() == MAX_LAYERS {
            return Err("more convolutions than any generator has".to_owned());
        }
        self.layers.push(Layer {
            name: node.name,
            operator: node.operator,
            input,
            reflected,
            conv,
            weight,
            bias,
        });
        Ok(Signal::layer(self.layers.len() - 1))
    }

    /// As `trainer export --to onnx` writes it: a transposed convolution of each channel on its own.
    fn interpolation(&self, node: &Node<'a>) -> Result<Signal, String> {
        const SHARES: [f32; 4] = [0.25, 0.75, 0.75, 0.25];
        let weight = self.constant(node, 1)?;
        let [channels, 1, 4, 4] = weight.shape[..] else {
            return Err("groups are known of bilinear interpolation alone".to_owned());
        };
        self.expect(channels <= MAX_CHANNELS, "fewer channels")?;
        let kernel = SHARES.map(|down| SHARES.map(|across| down * across));
        let is_bilinear = weight.floats().is_some_and(|values| {
            let mut kernels = values.chunks(16);
            kernels.all(|found| found == kernel.as_flattened())
        });
        let is_bilinear = is_bilinear
            && int(node, "group", 1) == channels as i64
            && ints(node, "strides", 2, 1) == [2, 2]
            && ints(node, "pads", 4, 0) == [0; 4]
            && node.inputs.len() == 2;
        self.expect(is_bilinear, "bilinear interpolation to twice the size")?;
        self.signal(node, 0)?.interpolated()
    }

    fn leaky(&self, node: &Node<'a>) -> Result<Signal, String> {
        let slope = node.attribute("alpha").map_or(0.01, |alpha| alpha.float);
        let slope_of_all = LEAKY_SLOPE as f32;
        self.expect(
            slope == slope_of_all,
            &format!("slope {slope} found, {slope_of_all}"),
        )?;
        self.signal(node, 0)?.activated(Activation::LeakyRelu)
    }

    fn reflection(&self, node: &Node<'a>) -> Result<Signal, String> {
        let mode = node
            .attribute("mode")
            .map_or(&b"constant"[..], |it| it.text);
        self.expect(mode == b"reflect", "mirrored edges (mode reflect)")?;
        let widths = match node.attribute("pads") {
            Some(pads) => pads.ints.clone(),
            None => self.integers(node, 1)?.values,
        };
        let axes = match node.inputs.get(3) {
            Some(name) if !name.is_empty() => self.integers(node, 3)?.values,
            _ => vec![0, 1, 2, 3],
        };
        let width = match (&widths[..], &axes[..]) {
            ([0, 0, a, b, 0, 0, c, d], [0, 1, 2, 3]) if [b, c, d] == [a; 3] => *a,
            ([a, b, c, d], [2, 3] | [-2, -1]) if [b, c, d] == [a; 3] => *a,
            _ => return Err("the same width at all four edges expected".to_owned()),
        };
        let width = usize::try_from(width).map_err(|_| "a width below zero".to_owned())?;
        self.signal(node, 0)?.reflected(width)
    }

    fn doubling(&self, node: &Node<'a>) -> Result<Signal, String> {
        let text = |name: &str| node.attribute(name).map_or(&b""[..], |it| it.text);
        let is_nearest = text("mode") == b"nearest"
            && text("coordinate_transformation_mode") == b"asymmetric"
            && text("nearest_mode") == b"floor";
        let is_double = node.inputs.len() == 3 && self.vector(node, 2)? == [1.0, 1.0, 2.0, 2.0];
        self.expect(is_nearest && is_double, "each pixel made four")?;
        self.signal(node, 0)?.doubled()
    }

    fn clamping(&self, node: &Node<'a>) -> Result<Signal, String> {
        let limits = [self.vector(node, 1)?, self.vector(node, 2)?];
        self.expect(limits == [[-1.0], [1.0]], "the limits -1 and 1")?;
        self.signal(node, 0)?.clamped()
    }
}

pub(super) fn vector(tensor: &Tensor<'_>) -> Option<Vec<f32>> {
    let long = tensor.shape.iter().filter(|side| **side != 1).count();
    let is_short = long <= 1 && tensor.shape.iter().all(|side| *side <= MAX_CHANNELS);
    is_short.then(|| tensor.floats()).flatten()
}

fn constant<'a>(node: &Node<'a>) -> Result<Value<'a>, String> {
    let tensor = node.attribute("value").and_then(|it| it.tensor.clone());
    let tensor = tensor.ok_or_else(|| "a constant without a tensor".to_owned())?;
    Ok(Value::Constant(Rc::new(tensor)))
}

pub(super) fn int(node: &Node<'_>, name: &str, default: i64) -> i64 {
    node.attribute(name).map_or(default, |it| it.int)
}

fn ints(node: &Node<'_>, name: &str, count: usize, default: i64) -> Vec<i64> {
    let found = node.attribute(name).map(|it| it.ints.clone());
    found.unwrap_or_else(|| vec![default; count])
}

/// Of a square convolution, the same along both axes, that doubles the size if it is transposed.
fn geometry(node: &Node<'_>, weight: &Tensor<'_>, kind: ConvKind) -> Result<ConvGeometry, String> {
    let [_, _, kernel, width] = weight.shape[..] else {
        return Err("weights of four dimensions expected".to_owned());
    };
    let (pads, strides) = (ints(node, "pads", 4, 0), ints(node, "strides", 2, 1));
    let ([padding, _, _, _], [stride, _]) = (&pads[..], &strides[..]) else {
        return Err("a convolution in two dimensions expected".to_owned());
    };
    let (padding, stride) = (*padding, *stride);
    let small = 0..16;
    let auto = node
        .attribute("auto_pad")
        .map_or(&b"NOTSET"[..], |it| it.text);
    let is_plain = kernel == width
        && pads == [padding; 4]
        && strides == [stride; 2]
        && small.contains(&padding)
        && small.contains(&stride)
        && small.contains(&(kernel as i64))
        && ints(node, "dilations", 2, 1) == [1, 1]
        && int(node, "group", 1) == 1
        && auto == b"NOTSET"
        && node.attribute("output_shape").is_none();
    if !is_plain {
        return Err(
            "the same kernel, stride and padding along both axes expected, and no groups or \
             dilations"
                .to_owned(),
        );
    }
    let missing = stride + 2 * padding - kernel as i64;
    if kind == ConvKind::Transposed && ints(node, "output_padding", 2, 0) != [missing; 2] {
        return Err("a transposed convolution that doubles height and width expected".to_owned());
    }
    Ok(ConvGeometry {
        kind,
        kernel,
        stride: stride as usize,
        padding: padding as usize,
    })
}
