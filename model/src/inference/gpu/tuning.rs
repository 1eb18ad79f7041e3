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
/// Runs in one call, so that a call's own time hardly counts.
const REPEATS: usize = 16;
/// Calls of each kernel. The least time counts: whatever disturbs a call makes it longer.
const ROUNDS: usize = 4;
/// A time from which one run tells enough, in milliseconds.
const SLOW: f64 = 4.0;
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
        let mut trials = Vec::new();
        for kernel in Kernel::ALL
            .into_iter()
            .filter(|kernel| kernel.may_pay(shape))
        {
            let work = LayerWork::new(candidate.layer, kernel, input, candidate.macs);
            let trial = gpu.checked(|| Trial::new(&gpu, work, candidate.step, maps));
            let compiled = match trial.await.flatten() {
                Ok(trial) => trial.call(&gpu, now, 1).await.map(|_| trial),
                Err(error) => Err(error),
            };
            match compiled {
                Ok(trial) => trials.push((kernel, trial)),
                // This one takes more than the layer has to have.
                Err(GpuError::OutOfMemory(_)) => {}
                Err(error) => return Err(error),
            }
            if now() > until {
                return Ok(());
            }
        }
        let mut times = vec![f64::INFINITY; trials.len()];
        let mut in_time = round(&trials, &mut times, 1, (&gpu, now, until)).await?;
        if times.iter().all(|time| *time < SLOW) {
            times.fill(f64::INFINITY);
            for _ in 0..ROUNDS {
                in_time =
                    in_time && round(&trials, &mut times, REPEATS, (&gpu, now, until)).await?;
            }
        }
        if !in_time {
            return Ok(());
        }
        let kernels = trials.iter().map(|(kernel, _)| *kernel);
        choices.0.insert(key, fastest(kernels.zip(times)));
    }
    Ok(())
}

/// Calls each kernel once and lowers its time to that of the call. All take their turns, so that a
/// clock that rises with the work favours none. `false` if the time is up before the end.
async fn round(
    trials: &[(Kernel, Trial)],
    times: &mut [f64],
    runs: usize,
    (gpu, now, until): (&Gpu, fn() -> f64, f64),
) -> Result<bool, GpuError> {
    for ((_, trial), least) in trials.iter().zip(times) {
        *least = least.min(trial.call(gpu, now, runs).await? * trial.share);
        if now() > until {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The kernel of the least time, where it is clearly less than that of those before it.
fn fastest(times: impl Iterator<Item = (Kernel, f64)>) -> Kernel {
    let usual = (Kernel::Direct, f64::INFINITY);
    let faster = |best: (Kernel, f64), other: (Kernel, f64)| {
        let is_faster = other.1 < best.1 * CLEARLY_FASTER;
        if is_faster { other } else { best }
    };
    times.fold(usual, faster).0
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

    /// Milliseconds of so many runs, with those of a call, which all kernels pay alike.
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
    fn another_kernel_is_taken_only_where_it_is_clearly_faster() {
        use Kernel::{Direct, Grouped, Split, Tiled64};
        let cases = [
            (vec![(Direct, 1.0), (Split, 0.97), (Grouped, 2.0)], Direct),
            (vec![(Direct, 1.0), (Tiled64, 0.5), (Grouped, 0.6)], Tiled64),
            (vec![(Split, 1.0)], Split),
            (vec![], Direct),
        ];
        for (times, expected) in cases {
            assert_eq!(fastest(times.into_iter()), expected);
        }
    }

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
