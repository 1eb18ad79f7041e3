//! Which generator a graph computes: the plan of each, held against its convolutions and what lies
//! between them.

use model::config::Family;
use model::geometry::{ConvGeometry, ConvKind};
use model::plan::{Activation, Edge, Plan, PlannedLayer, Source};
use model::{Decoder, GeneratorArch, GeneratorConfig, NormKind, NormStats, Upsample};

use super::operators::{Found, Layer};
use super::problem::OnnxProblem;
use super::signal::{Kind, Norm, Signal, Statistics};
use crate::config::names::{generators, name_of};

const MAX_CHANNELS: usize = 8;
const MAX_BASE: usize = 256;
/// Of an expression, so many operators are named.
const NAMED: usize = 4;

/// A generator, and the norm behind each of its layers, unless a convolution has taken it in.
pub(super) struct Network<'f> {
    pub config: GeneratorConfig,
    pub stats: NormStats,
    pub norms: Vec<Option<&'f Norm>>,
}

/// Where a graph differs from a plan.
struct Misfit {
    layer: usize,
    reason: String,
}

/// `arch` and `norm` are known beforehand, or any.
pub(super) fn network<'f>(
    found: &'f Found<'_>,
    arch: Option<GeneratorArch>,
    norm: Option<NormKind>,
) -> Result<Network<'f>, OnnxProblem> {
    let mut nearest: Option<(usize, bool, GeneratorConfig, Misfit)> = None;
    for config in candidates(found, arch, norm)? {
        let plan = config.plan();
        let is_as_long = plan.layers.len() == found.layers.len();
        match fitted(&plan, found, norm) {
            Ok((norms, stats)) => {
                return Ok(Network {
                    config,
                    stats,
                    norms,
                });
            }
            Err(misfit) => {
                let known = nearest.as_ref();
                let is_nearer = known.is_none_or(|(layer, was_as_long, _, _)| {
                    (misfit.layer, is_as_long) > (*layer, *was_as_long)
                });
                if is_nearer {
                    nearest = Some((misfit.layer, is_as_long, config, misfit));
                }
            }
        }
    }
    Err(match nearest {
        Some((_, _, config, misfit)) => refusal(found, &config, misfit),
        None => OnnxProblem::OtherNetwork("it has no such layers".to_owned()),
    })
}

fn refusal(found: &Found<'_>, config: &GeneratorConfig, misfit: Misfit) -> OnnxProblem {
    let reason = format!("read as {}, {}", name_of(config.arch), misfit.reason);
    match found.layers.get(misfit.layer) {
        Some(layer) => OnnxProblem::Node {
            node: layer.name.to_owned(),
            operator: layer.operator.to_owned(),
            reason,
        },
        None => OnnxProblem::OtherNetwork(reason),
    }
}

/// Every generator of the widths that the outermost layers have.
fn candidates(
    found: &Found<'_>,
    given_arch: Option<GeneratorArch>,
    given_norm: Option<NormKind>,
) -> Result<Vec<GeneratorConfig>, OnnxProblem> {
    let (Some(first), Some(last)) = (found.layers.first(), found.layers.last()) else {
        let reason = "it has no convolution between its input and its output";
        return Err(OnnxProblem::OtherNetwork(reason.to_owned()));
    };
    let is_transposed = last.operator == "ConvTranspose";
    let in_channels = within(first, "input channels", 1, MAX_CHANNELS)?;
    let base = within(first, "feature maps", 0, MAX_BASE)?;
    let out_channels = within(
        last,
        "output channels",
        usize::from(is_transposed),
        MAX_CHANNELS,
    )?;
    let mut candidates = Vec::new();
    let norms = [NormKind::Instance, NormKind::None, NormKind::Batch];
    for norm in norms
        .into_iter()
        .filter(|it| given_norm.is_none_or(|norm| norm == *it))
    {
        for arch in generators().filter(|it| given_arch.is_none_or(|arch| arch == *it)) {
            for options in 0..16 {
                let has = |bit: usize| options & 1 << bit != 0;
                let (residual, norm_bottleneck, input_bias) = (has(0), has(1), has(2));
                let decoder = match has(3) {
                    true => Decoder::Listed,
                    false => Decoder::Mirrored,
                };
                let is_plain = !(norm_bottleneck || input_bias || has(3));
                let is_unet = matches!(arch.family(), Family::Unet { .. });
                if !(is_unet || is_plain) || residual && in_channels != out_channels {
                    continue;
                }
                candidates.extend(Upsample::ALL.into_iter().map(|upsample| GeneratorConfig {
                    in_channels,
                    out_channels,
                    norm_bottleneck,
                    input_bias,
                    decoder,
                    upsample,
                    residual,
                    ..GeneratorConfig::new(arch, base, norm)
                }));
            }
        }
    }
    Ok(candidates)
}

fn within(layer: &Layer<'_>, what: &str, side: usize, most: usize) -> Result<usize, OnnxProblem> {
    let found = layer.weight.shape.get(side).copied().unwrap_or(0);
    match (1..=most).contains(&found) {
        true => Ok(found),
        false => Err(OnnxProblem::Node {
            node: layer.name.to_owned(),
            operator: layer.operator.to_owned(),
            reason: format!("it has {found} {what}, 1 to {most} are supported"),
        }),
    }
}

/// Norms of the layers, and which statistics they use.
type Norms<'f> = (Vec<Option<&'f Norm>>, NormStats);

fn fitted<'f>(
    plan: &Plan,
    found: &'f Found<'_>,
    given: Option<NormKind>,
) -> Result<Norms<'f>, Misfit> {
    let mut fit = Fit {
        plan,
        found,
        norms: vec![None; plan.layers.len()],
    };
    for (index, (planned, layer)) in plan.layers.iter().zip(&found.layers).enumerate() {
        let checked = fit.layer(planned, layer, given);
        checked.map_err(|reason| Misfit {
            layer: index,
            reason,
        })?;
    }
    let end = plan.layers.len().min(found.layers.len());
    let of_end = |reason: String| Misfit {
        layer: end.saturating_sub(1),
        reason,
    };
    if plan.layers.len() != found.layers.len() {
        let (theirs, ours) = (found.layers.len(), plan.layers.len());
        let reason = format!("it has {theirs} convolutions where {ours} are expected");
        return Err(of_end(reason));
    }
    if !fit.is_output() {
        let found = described(&found.output, found, NAMED);
        let reason = format!("what follows is not as expected: the output is {found}");
        return Err(of_end(reason));
    }
    let stats = fit.stats()?;
    let norms = fit.norms.into_iter().map(Option::flatten);
    Ok((norms.collect(), stats))
}

struct Fit<'p, 'f, 'a> {
    plan: &'p Plan,
    found: &'f Found<'a>,
    /// Of each layer, once something has taken its output.
    norms: Vec<Option<Option<&'f Norm>>>,
}

impl<'f> Fit<'_, 'f, '_> {
    fn layer(
        &mut self,
        planned: &PlannedLayer,
        layer: &'f Layer<'_>,
        given: Option<NormKind>,
    ) -> Result<(), String> {
        let shape = planned.weight_shape();
        if layer.conv != planned.conv || layer.weight.shape != shape {
            let found = &layer.weight.shape;
            return Err(match layer.conv == planned.conv {
                true => format!("weights of {shape:?} are expected, not of {found:?}"),
                false => {
                    let (theirs, ours) = (of_geometry(layer.conv), of_geometry(planned.conv));
                    format!("{ours} is expected, not {theirs}")
                }
            });
        }
        let edge = (planned.edge == Edge::Reflection).then_some(planned.conv.padding);
        if layer.reflected != edge {
            let expected = match planned.edge {
                Edge::Reflection => "mirrored edges are",
                Edge::Zeros => "zeros beyond the edges are",
            };
            return Err(format!("{expected} expected"));
        }
        if !self.is_input(planned, &layer.input) {
            let found = described(&layer.input, self.found, NAMED);
            let expected = self.expected(planned);
            return Err(format!("its input is {found} where {expected} is expected"));
        }
        // A folded norm leaves a bias behind.
        let may_have_bias = match planned.norm {
            Some(NormKind::Batch) => true,
            Some(NormKind::None) => given == Some(NormKind::None),
            _ => planned.bias,
        };
        match layer.bias.is_none() || may_have_bias {
            true => Ok(()),
            false => Err("no bias is expected".to_owned()),
        }
    }

    fn is_input(&mut self, planned: &PlannedLayer, input: &'f Signal) -> bool {
        let parts = match &*input.kind {
            Kind::Joined(parts) => &parts[..],
            _ => std::slice::from_ref(input),
        };
        parts.len() == planned.inputs.len()
            && parts
                .iter()
                .zip(&planned.inputs)
                .all(|(part, source)| self.is_source(part, *source, planned.before))
    }

    fn is_output(&mut self) -> bool {
        let (source, output) = (self.plan.output(), &self.found.output);
        if !self.plan.adds_input {
            return self.is_source(output, source, Activation::Identity);
        }
        let Kind::Clamped(sum) = &*output.kind else {
            return false;
        };
        self.is_sum(sum, Source::Image, |fit, part| {
            fit.is_source(part, source, Activation::Identity)
        })
    }

    /// Whether it is what a layer gives, activated.
    fn is_source(&mut self, signal: &'f Signal, source: Source, before: Activation) -> bool {
        let Source::Layer(index) = source else {
            return stripped(signal, before).is_some_and(|it| matches!(*it.kind, Kind::Image));
        };
        let planned = &self.plan.layers[index];
        let Some(inner) = stripped(signal, before) else {
            return false;
        };
        match planned.adds {
            Some(added) => self.is_sum(inner, added, |fit, part| {
                stripped(part, planned.after).is_some_and(|it| fit.is_layer(it, index))
            }),
            None => stripped(inner, planned.after).is_some_and(|it| self.is_layer(it, index)),
        }
    }

    fn is_sum(
        &mut self,
        signal: &'f Signal,
        added: Source,
        is_other: impl Fn(&mut Self, &'f Signal) -> bool,
    ) -> bool {
        let Kind::Sum(a, b) = &*signal.kind else {
            return false;
        };
        let (other, rest) = match is_other(self, b) {
            true => (true, a),
            false => (is_other(self, a), b),
        };
        other && self.is_source(rest, added, Activation::Identity)
    }

    /// Whether it is the output of a convolution with the norm that belongs there.
    fn is_layer(&mut self, signal: &'f Signal, index: usize) -> bool {
        let norm = match &*signal.kind {
            Kind::Layer(layer) if *layer == index => None,
            Kind::Normed(norm) if norm.layer == index => Some(norm),
            _ => return false,
        };
        let channels = self.plan.layers[index].channels[1];
        let is_as_wide = norm.is_none_or(|norm| is_of(norm, channels));
        let is_known = match (self.plan.layers[index].norm, norm) {
            (None | Some(NormKind::None), norm) => norm.is_none(),
            (Some(NormKind::Instance), Some(norm)) => is_bare(norm),
            (Some(NormKind::Instance), None) => false,
            // A convolution may have taken it in.
            (Some(NormKind::Batch), _) => true,
        };
        let is_same = self.norms[index].is_none_or(|known| known == norm);
        self.norms[index] = Some(norm);
        is_as_wide && is_known && is_same
    }

    /// Of all batch norms.
    fn stats(&self) -> Result<NormStats, Misfit> {
        let layers = self.plan.layers.iter().zip(&self.norms).enumerate();
        let of_batch = layers.filter(|(_, (planned, _))| planned.norm == Some(NormKind::Batch));
        let mut all = of_batch.map(|(index, (_, norm))| match norm {
            Some(Some(norm)) if !matches!(norm.statistics, Statistics::Running { .. }) => {
                (index, NormStats::Batch)
            }
            _ => (index, NormStats::Running),
        });
        let Some((_, first)) = all.next() else {
            return Ok(NormStats::Batch);
        };
        match all.find(|(_, stats)| *stats != first) {
            None => Ok(first),
            Some((layer, _)) => Err(Misfit {
                layer,
                reason: "a norm with the statistics of the layers before it is expected".to_owned(),
            }),
        }
    }

    fn expected(&self, planned: &PlannedLayer) -> String {
        let before = word(planned.before);
        let sources = planned.inputs.iter().map(|source| match source {
            Source::Image => format!("{before}the image"),
            Source::Layer(index) => {
                let source = &self.plan.layers[*index];
                let sum = source.adds.map_or("", |_| "a sum with ");
                let after = word(source.after);
                let norm = match source.norm {
                    Some(NormKind::Batch) => "batch norm of ",
                    Some(NormKind::Instance) => "instance norm of ",
                    Some(NormKind::None) | None => "",
                };
                let name = self.found.layers.get(*index).map_or("", |layer| layer.name);
                format!("{before}{sum}{after}{norm}\"{name}\"")
            }
        });
        sources.collect::<Vec<_>>().join(" and ")
    }
}

/// What an activation was applied to, if it was.
fn stripped(signal: &Signal, activation: Activation) -> Option<&Signal> {
    match (&*signal.kind, activation) {
        (_, Activation::Identity) => Some(signal),
        (Kind::Activated(found, inner), _) if *found == activation => Some(inner),
        _ => None,
    }
}

fn is_of(norm: &Norm, channels: usize) -> bool {
    let is_as_long = |values: &Vec<f32>| values.len() == channels;
    let statistics = match &norm.statistics {
        Statistics::Running { mean, variance } => is_as_long(mean) && is_as_long(variance),
        Statistics::OfImage | Statistics::OfBatch => true,
    };
    let mut learned = norm.scale.iter().chain(&norm.shift);
    statistics && learned.all(is_as_long)
}

/// Whether it is an instance norm that has learned nothing.
fn is_bare(norm: &Norm) -> bool {
    let all = |values: &Option<Vec<f32>>, neutral: f32| {
        values.iter().flatten().all(|value| *value == neutral)
    };
    norm.statistics == Statistics::OfImage && all(&norm.scale, 1.0) && all(&norm.shift, 0.0)
}

fn of_geometry(conv: ConvGeometry) -> String {
    let ConvGeometry {
        kind,
        kernel,
        stride,
        padding,
    } = conv;
    let kind = match kind {
        ConvKind::Convolution => "convolution",
        ConvKind::Transposed => "transposed convolution",
        ConvKind::Resized => "convolution behind a doubling",
        ConvKind::Bilinear => "convolution behind an interpolation",
    };
    format!("a {kernel}×{kernel} {kind} of stride {stride} and padding {padding}")
}

fn word(activation: Activation) -> &'static str {
    match activation {
        Activation::Identity => "",
        Activation::Relu => "ReLU of ",
        Activation::LeakyRelu => "LeakyReLU of ",
        Activation::Tanh => "tanh of ",
    }
}

fn described(signal: &Signal, found: &Found<'_>, deep: usize) -> String {
    if deep == 0 {
        return "…".to_owned();
    }
    let of = |inner: &Signal| described(inner, found, deep - 1);
    let name = |index: usize| found.layers.get(index).map_or("", |layer| layer.name);
    match &*signal.kind {
        Kind::Image => "the image".to_owned(),
        Kind::Layer(index) => format!("\"{}\"", name(*index)),
        Kind::Normed(norm) => {
            let kind = match norm.statistics {
                Statistics::OfImage => "instance norm",
                Statistics::OfBatch | Statistics::Running { .. } => "batch norm",
            };
            format!("{kind} of \"{}\"", name(norm.layer))
        }
        Kind::Activated(activation, inner) => format!("{}{}", word(*activation), of(inner)),
        Kind::Joined(parts) => parts.iter().map(of).collect::<Vec<_>>().join(" and "),
        Kind::Sum(a, b) => format!("the sum of {} and {}", of(a), of(b)),
        Kind::Reflected(_, inner) => format!("{} with mirrored edges", of(inner)),
        Kind::Doubled(inner) | Kind::Interpolated(inner) => format!("{}, enlarged", of(inner)),
        Kind::Clamped(inner) => format!("{}, clamped", of(inner)),
    }
}
