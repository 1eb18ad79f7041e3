//! Which kernel a layer gets: as told, or as measured on the device.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::device::{Gpu, GpuError};
use super::kernel::{Kernel, LayerShape};
use super::layer::GpuLayer;
use super::layer_work::LayerWork;
use super::pass::{FeatureMap, Pass, bound, encode};
use super::planner::{Planner, Scratch};
use super::shaders::shader_sources;
use crate::inference::dataflow::{Size, Step};

/// How kernels are chosen.
#[derive(Clone, Copy, Debug, Default)]
pub enum Tuning {
    /// The same for every layer, which every device does passably.
    #[default]
    Off,
    /// The fastest for each shape of layer.
    Measured {
        /// Milliseconds since some time.
        now: fn() -> f64,
    },
    /// This one for every layer that it can do.
    Forced(Kernel),
}

/// Milliseconds after which an image does not wait for more measuring.
const BUDGET: f64 = 300.0;
/// Multiply-accumulates of a trial: enough to be told from the time of a call.
const MACS_OF_TRIAL: u64 = 128_000_000;
/// Runs in one call.
const REPEATS: usize = 8;
/// A time above which one run tells enough, in milliseconds.
const SLOW: f64 = 20.0;
/// Share of the usual kernel's time at which another one is taken.
const CLEARLY_FASTER: f64 = 0.95;
/// Shapes that are kept.
const MOST_SHAPES: usize = 1000;

/// Kernels that were measured to be the fastest, by layers' shapes.
#[derive(Debug, Default)]
pub(super) struct Choices(BTreeMap<String, Kernel>);

/// As kept from visit to visit.
#[derive(Serialize, Deserialize)]
struct KeptChoices {
    /// What the choice was among.
    shaders: String,
    kernels: BTreeMap<String, String>,
}

impl Choices {
    /// Those of an earlier visit; none where shaders have changed or the text is none of ours.
    pub fn parse(text: &str) -> Self {
        let kept = serde_json::from_str::<KeptChoices>(text).ok();
        let kept = kept.filter(|kept| kept.shaders == digest());
        let kernels = kept.into_iter().flat_map(|kept| kept.kernels);
        let known = kernels.filter_map(|(shape, name)| Some((shape, name.parse().ok()?)));
        Self(known.take(MOST_SHAPES).collect())
    }

    /// For [`Self::parse`].
    pub fn to_text(&self) -> String {
        let named = self
            .0
            .iter()
            .map(|(shape, kernel)| (shape.clone(), kernel.to_string()));
        let kept = KeptChoices {
            shaders: digest().to_owned(),
            kernels: named.collect(),
        };
        serde_json::to_string(&kept).unwrap_or_default()
    }

    /// The kernel for a layer.
    pub fn kernel(&self, tuning: Tuning, layer: &GpuLayer, input: Size) -> Kernel {
        let shape = LayerShape::new(layer, input);
        let chosen = match tuning {
            Tuning::Off => None,
            Tuning::Forced(kernel) => Some(kernel).filter(|kernel| kernel.does(shape)),
            Tuning::Measured { .. } => {
                let known = self.0.get(&key(layer, shape)).copied();
                known.filter(|kernel| kernel.may_pay(shape))
            }
        };
        chosen.unwrap_or(Kernel::Direct)
    }
}

/// Of all sources, so that other shaders are measured anew.
fn digest() -> &'static str {
    static DIGEST: LazyLock<String> = LazyLock::new(|| {
        let digest = Sha256::digest(shader_sources().concat());
        let bytes = digest.iter().take(6);
        bytes.map(|byte| format!("{byte:02x}")).collect()
    });
    &DIGEST
}

/// Shapes of one name get one kernel: sizes count by their power of two.
fn key(layer: &GpuLayer, shape: LayerShape) -> String {
    let conv = layer.packed.conv;
    format!(
        "{:?} {}/{} {}-{} 2^{} {}{}",
        conv.kind,
        conv.kernel,
        conv.stride,
        shape.in_channels,
        shape.out_channels,
        shape.positions.ilog2(),
        if layer.in_halves { "f16" } else { "f32" },
        if layer.statistics.is_some() {
            " normed"
        } else {
            ""
        },
    )
}

/// A layer that may be tried.
#[derive(Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub layer: &'a GpuLayer,
    pub step: &'a Step,
    pub macs: u64,
}

/// Measures kernels on the feature maps of a program, the largest layers first, until the time is up.
///
/// # Errors
/// The device lacks the memory, or fails.
pub(super) async fn tune(
    gpu: &Gpu,
    now: fn() -> f64,
    mut candidates: Vec<Candidate<'_>>,
    maps: &[FeatureMap],
    choices: &mut Choices,
) -> Result<(), GpuError> {
    let until = now() + BUDGET;
    let gpu = gpu.clone().with_macs_of_submit(MACS_OF_TRIAL);
    candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.macs));
    for candidate in candidates {
        let input = maps[candidate.step.from].size;
        let shape = LayerShape::new(candidate.layer, input);
        let key = key(candidate.layer, shape);
        if choices.0.contains_key(&key) || choices.0.len() == MOST_SHAPES {
            continue;
        }
        let (mut best, mut least) = (Kernel::Direct, f64::INFINITY);
        for kernel in Kernel::ALL
            .into_iter()
            .filter(|kernel| kernel.may_pay(shape))
        {
            let work = LayerWork::new(candidate.layer, kernel, input, candidate.macs);
            let trial = gpu.checked(|| Trial::new(&gpu, work, candidate.step, maps));
            let time = match trial.await.flatten() {
                Ok(trial) => trial.time(&gpu, now).await,
                Err(error) => Err(error),
            };
            let time = match time {
                // This one takes more than the layer has to have.
                Err(GpuError::OutOfMemory(_)) => continue,
                time => time?,
            };
            if now() > until {
                return Ok(());
            }
            if time < least * CLEARLY_FASTER {
                (best, least) = (kernel, time);
            }
        }
        choices.0.insert(key, best);
    }
    Ok(())
}

/// A layer's passes, or the first of them where these are many.
struct Trial {
    passes: Vec<Pass>,
    /// As many times the passes make the layer.
    share: f64,
    _memory: [super::buffer::GpuBuffer; 2],
    _scratch: Scratch,
}

impl Trial {
    fn new(gpu: &Gpu, work: LayerWork, step: &Step, maps: &[FeatureMap]) -> Result<Self, GpuError> {
        let scratch = Scratch::new(gpu, [&work])?;
        let mut planner = Planner {
            gpu,
            maps,
            scratch: &scratch,
            passes: Vec::new(),
        };
        planner.layer(work, step);
        let convolutions = planner.passes.iter().filter(|pass| pass.macs > 0).count();
        if convolutions > 1 {
            planner.passes.truncate(1);
        }
        let (passes, memory) = bound(gpu, &planner.passes);
        Ok(Self {
            passes,
            share: convolutions as f64,
            _memory: memory,
            _scratch: scratch,
        })
    }

    /// Milliseconds of the layer, without those of a call.
    async fn time(&self, gpu: &Gpu, now: fn() -> f64) -> Result<f64, GpuError> {
        // Compiles.
        self.call(gpu, now, 1).await?;
        let once = self.call(gpu, now, 1).await?;
        if once > SLOW {
            return Ok(once * self.share);
        }
        let more = self.call(gpu, now, 1 + REPEATS).await?;
        Ok((more - once).max(0.0) / REPEATS as f64 * self.share)
    }

    async fn call(&self, gpu: &Gpu, now: fn() -> f64, runs: usize) -> Result<f64, GpuError> {
        let begun = now();
        let scopes = gpu.scopes();
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        for _ in 0..runs {
            encode(&mut encoder, &self.passes);
        }
        gpu.queue.submit([encoder.finish()]);
        let verdict = scopes.verdict();
        gpu.done().await;
        let time = now() - begun;
        verdict.await?;
        Ok(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_outlive_a_visit_but_not_a_change_of_shaders() {
        let choices = [("a", Kernel::Tiled64), ("b", Kernel::Grouped)];
        let choices = Choices(choices.map(|(key, kernel)| (key.to_owned(), kernel)).into());
        let text = choices.to_text();
        assert_eq!(Choices::parse(&text).0, choices.0);
        for foreign in [
            text.replace(digest(), "other"),
            "{".to_owned(),
            String::new(),
        ] {
            assert!(Choices::parse(&foreign).0.is_empty(), "{foreign}");
        }
        let unknown = text.replace("grouped", "fastest");
        assert_eq!(Choices::parse(&unknown).0.len(), 1);
    }
}
