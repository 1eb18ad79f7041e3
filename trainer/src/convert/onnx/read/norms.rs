//! Norms of a graph: one node each, or the arithmetic that they are made of.

use model::norm::NORM_EPSILON;

use super::file::Node;
use super::operators::{Value, Walk, int};
use super::signal::{Kind, Norm, Signal, Statistics};

/// A step of the arithmetic of a norm over a convolution's output.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    layer: usize,
    is_of_batch: bool,
    step: Step,
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Mean,
    /// What is left without the mean.
    Centred,
    Squares,
    Variance,
    /// Variance and epsilon.
    Positive,
    Deviation,
    /// What divides by the deviation, and multiplies by this.
    Gain(Option<Vec<f32>>),
}

impl<'a> Walk<'a> {
    /// The convolution's output that a norm takes, which is its first input.
    fn normalised(&self, node: &Node<'a>) -> Result<usize, String> {
        match *self.signal(node, 0)?.kind {
            Kind::Layer(layer) => Ok(layer),
            _ => Err("a norm right behind a convolution expected".to_owned()),
        }
    }

    pub(super) fn batch_norm(&self, node: &Node<'a>) -> Result<Signal, String> {
        let layer = self.normalised(node)?;
        self.epsilon(node)?;
        // Before opset 14, further outputs said that it is in training.
        let is_training = int(node, "training_mode", 0) != 0 || node.outputs.len() > 1;
        let statistics = match is_training {
            true => Statistics::OfBatch,
            false => Statistics::Running {
                mean: self.vector(node, 3)?,
                variance: self.vector(node, 4)?,
            },
        };
        Ok(Signal::normed(Norm {
            layer,
            statistics,
            scale: Some(self.vector(node, 1)?),
            shift: Some(self.vector(node, 2)?),
        }))
    }

    pub(super) fn instance_norm(&self, node: &Node<'a>) -> Result<Signal, String> {
        let layer = self.normalised(node)?;
        self.epsilon(node)?;
        Ok(Signal::normed(Norm {
            layer,
            statistics: Statistics::OfImage,
            scale: Some(self.vector(node, 1)?),
            shift: Some(self.vector(node, 2)?),
        }))
    }

    fn epsilon(&self, node: &Node<'a>) -> Result<(), String> {
        let epsilon = node.attribute("epsilon");
        let epsilon = epsilon.map_or(NORM_EPSILON as f32, |it| it.float);
        self.expect(
            epsilon == NORM_EPSILON as f32,
            &format!("epsilon {epsilon} found, {NORM_EPSILON}"),
        )
    }

    /// A node of a norm's arithmetic.
    pub(super) fn norm_part(&self, node: &Node<'a>) -> Result<Value<'a>, String> {
        let a = self.input(node, 0)?;
        let b = match node.inputs.len() {
            0 | 1 => None,
            _ => Some(self.input(node, 1)?),
        };
        let value = match (node.operator, a, b) {
            ("ReduceMean", Value::Signal(x), _) => self.mean(node, &x)?,
            ("ReduceMean", Value::Part(part), _) if part.step == Step::Squares => {
                let is_same = self.is_over_batch(node)? == part.is_of_batch;
                is_same.then(|| part.becomes(Step::Variance))
            }
            ("Sub", Value::Signal(x), Some(Value::Part(part))) => {
                let is_own = matches!(*x.kind, Kind::Layer(layer) if layer == part.layer);
                let is_mean = part.step == Step::Mean;
                (is_own && is_mean).then(|| part.becomes(Step::Centred))
            }
            ("Sqrt", Value::Part(part), None) if part.step == Step::Positive => {
                Some(part.becomes(Step::Deviation))
            }
            ("Reciprocal", Value::Part(part), None) if part.step == Step::Deviation => {
                Some(part.becomes(Step::Gain(None)))
            }
            (_, Value::Part(a), Some(Value::Part(b))) => of_two_parts(node.operator, &a, &b),
            (_, Value::Part(part), Some(Value::Constant(_))) => {
                part_and_constant(node.operator, &part, self.vector(node, 1)?)
            }
            (_, Value::Constant(_), Some(Value::Part(part))) => {
                constant_and_part(node.operator, self.vector(node, 0)?, &part)
            }
            ("Add" | "Mul", Value::Signal(x), Some(Value::Constant(_))) => {
                affine(node.operator, &x, self.vector(node, 1)?)
            }
            ("Add" | "Mul", Value::Constant(_), Some(Value::Signal(x))) => {
                affine(node.operator, &x, self.vector(node, 0)?)
            }
            _ => None,
        };
        value.ok_or_else(|| {
            "it belongs neither to a batch norm nor to an instance norm behind a convolution"
                .to_owned()
        })
    }

    fn mean(&self, node: &Node<'a>, x: &Signal) -> Result<Option<Value<'a>>, String> {
        let is_of_batch = self.is_over_batch(node)?;
        let Kind::Layer(layer) = *x.kind else {
            return Ok(None);
        };
        Ok(Some(Value::Part(Part {
            layer,
            is_of_batch,
            step: Step::Mean,
        })))
    }

    /// Over all images, not each on its own.
    fn is_over_batch(&self, node: &Node<'a>) -> Result<bool, String> {
        let axes = match (node.attribute("axes"), node.inputs.len()) {
            (Some(axes), _) => axes.ints.clone(),
            (None, 2) => self.constant(node, 1)?.integers().unwrap_or_default(),
            _ => Vec::new(),
        };
        self.expect(int(node, "keepdims", 1) == 1, "keepdims")?;
        match axes[..] {
            [0, 2, 3] | [0, -2, -1] => Ok(true),
            [2, 3] | [-2, -1] => Ok(false),
            _ => Err("a mean over height and width expected".to_owned()),
        }
    }
}

impl Part {
    fn becomes<'a>(&self, step: Step) -> Value<'a> {
        Value::Part(Self {
            step,
            ..self.clone()
        })
    }

    fn normed<'a>(&self, scale: Option<Vec<f32>>) -> Value<'a> {
        let statistics = match self.is_of_batch {
            true => Statistics::OfBatch,
            false => Statistics::OfImage,
        };
        Value::Signal(Signal::normed(Norm {
            layer: self.layer,
            statistics,
            scale,
            shift: None,
        }))
    }
}

fn of_two_parts<'a>(operator: &str, a: &Part, b: &Part) -> Option<Value<'a>> {
    if (a.layer, a.is_of_batch) != (b.layer, b.is_of_batch) {
        return None;
    }
    match (operator, &a.step, &b.step) {
        ("Mul", Step::Centred, Step::Centred) => Some(a.becomes(Step::Squares)),
        ("Div", Step::Centred, Step::Deviation) => Some(a.normed(None)),
        ("Mul", Step::Centred, Step::Gain(scale)) | ("Mul", Step::Gain(scale), Step::Centred) => {
            Some(a.normed(scale.clone()))
        }
        _ => None,
    }
}

fn part_and_constant<'a>(operator: &str, part: &Part, values: Vec<f32>) -> Option<Value<'a>> {
    match (operator, &part.step) {
        ("Pow", Step::Centred) if values == [2.0] => Some(part.becomes(Step::Squares)),
        ("Add", Step::Variance) if values == [NORM_EPSILON as f32] => {
            Some(part.becomes(Step::Positive))
        }
        ("Pow", Step::Positive) if values == [0.5] => Some(part.becomes(Step::Deviation)),
        ("Mul", Step::Gain(None)) => Some(part.becomes(Step::Gain(Some(values)))),
        _ => None,
    }
}

fn constant_and_part<'a>(operator: &str, values: Vec<f32>, part: &Part) -> Option<Value<'a>> {
    match (operator, &part.step) {
        ("Div", Step::Deviation) => Some(part.becomes(Step::Gain(Some(values)))),
        ("Add" | "Mul", _) => part_and_constant(operator, part, values),
        _ => None,
    }
}

/// The learned scale and shift of a norm, which follow it.
fn affine<'a>(operator: &str, x: &Signal, values: Vec<f32>) -> Option<Value<'a>> {
    let Kind::Normed(norm) = &*x.kind else {
        return None;
    };
    let mut norm = norm.clone();
    match operator {
        "Mul" if norm.scale.is_none() && norm.shift.is_none() => norm.scale = Some(values),
        "Add" if norm.shift.is_none() => norm.shift = Some(values),
        _ => return None,
    }
    Some(Value::Signal(Signal::normed(norm)))
}
