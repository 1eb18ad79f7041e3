//! Notices what goes wrong in a run while it runs, and says it in plain words with a remedy, once
//! until it is over. Only listens to events; that losses stay finite is the loop's own business.

use model::training::{LossValues, ModelKind};

use crate::config::TrainConfig;
use crate::evaluate::snapshot::OutputStatistics;
use crate::run::event::Event;
use crate::system::pace::Pace;

/// A discriminator whose loss is below this share of that of guessing has won: 0.07 × log 2 is the
/// loss of being 95% sure, and right.
pub const WON_SHARE: f64 = 0.07;
/// It has lost its lead above this share; twice as much, so that the warning does not flicker.
const WON_NO_MORE_SHARE: f64 = 2.0 * WON_SHARE;
/// For how many steps a discriminator must have won: shorter leads are part of the game.
const WON_STEPS: u64 = 500;
/// Steps over which its loss is averaged: single batches are easy or hard by chance.
const SMOOTHING_STEPS: f64 = 100.0;
/// Outputs that vary less than a tenth as much as what they are made from, and what they should
/// become, are to the eye all the same.
pub const COLLAPSED_VARIETY: f64 = 0.1;
/// At the beginning of every run they are: a network learns the mean image first. So many
/// validations in a row must say so…
pub const COLLAPSED_VALIDATIONS: usize = 3;
/// …and the last of them must come after so many steps.
pub const COLLAPSED_STEPS: u64 = 1_000;
const COLLAPSED_NO_MORE_VARIETY: f64 = 0.2;
/// Correlation with the target below which colours are inverted; noise of an untrained network
/// is nearer to 0.
pub const INVERTED: f64 = -0.2;
/// Correlation with the input below which an output is its negative. Stricter: no target says what
/// is right.
pub const NEGATIVE_OF_INPUT: f64 = -0.5;
/// Colours are wrong when this many validations in a row say so: the first may come too early.
const VALIDATIONS: u32 = 2;
/// Share of the time without images above which more of them would pay.
const STARVED_SHARE: f64 = 0.3;
const STARVED_NO_MORE_SHARE: f64 = 0.15;
/// How long, and for how many steps at least, the share is measured: a slow disk may be busy once.
const STARVED_SECONDS: f64 = 20.0;
const STARVED_STEPS: u64 = 20;

/// Watches a run.
#[derive(Debug)]
pub struct Watch<'a> {
    config: &'a TrainConfig,
    threads: usize,
    discriminators: Vec<(&'static str, Lead)>,
    outputs: Vec<(String, OutputAlarms)>,
    supply: Pace,
    starved: Alarm,
}

impl<'a> Watch<'a> {
    /// Of a run with these settings, on a machine with so many threads.
    pub fn new(config: &'a TrainConfig, threads: usize) -> Self {
        let names: &[&str] = match config.model {
            ModelKind::Pix2Pix => &["D"],
            ModelKind::CycleGan => &["D_A", "D_B"],
        };
        // Without its weight in the objective a discriminator cannot hurt.
        let judged = config.model == ModelKind::CycleGan || config.lambda_gan > 0.0;
        let names = names.iter().filter(|_| judged);
        Self {
            config,
            threads,
            discriminators: names.map(|name| (*name, Lead::default())).collect(),
            outputs: Vec::new(),
            supply: Pace::default(),
            starved: Alarm::default(),
        }
    }

    /// What is to be said after this event.
    pub fn on(&mut self, event: &Event<'_>) -> Vec<String> {
        match event {
            Event::Step { losses, pace, .. } => {
                let mut messages = self.losses(losses, pace.steps);
                messages.extend(self.pace(pace));
                messages
            }
            Event::Validated { step, snapshot, .. } => self.outputs(*step, &snapshot.outputs),
            _ => Vec::new(),
        }
    }

    fn losses(&mut self, losses: &LossValues, steps: u64) -> Vec<String> {
        let config = self.config;
        let guessing = config.gan_mode.guessing_loss();
        let leads = self.discriminators.iter_mut();
        let messages = leads.filter_map(|(name, lead)| {
            let loss = discriminator_loss(losses, name)? / guessing;
            let mean = lead.observe(loss, steps)? * guessing;
            Some(won(config, name, mean, guessing))
        });
        messages.collect()
    }

    fn outputs(&mut self, step: u64, outputs: &[OutputStatistics]) -> Vec<String> {
        let mut messages = Vec::new();
        for statistics in outputs {
            let known = self
                .outputs
                .iter()
                .position(|(name, _)| *name == statistics.name);
            let index = known.unwrap_or_else(|| {
                let alarms = OutputAlarms::default();
                self.outputs.push((statistics.name.clone(), alarms));
                self.outputs.len() - 1
            });
            let alarms = &mut self.outputs[index].1;
            messages.extend(alarms.observe(self.config, step, statistics));
        }
        messages
    }

    fn pace(&mut self, pace: &Pace) -> Option<String> {
        self.supply.steps += pace.steps;
        self.supply.seconds += pace.seconds;
        self.supply.data_seconds += pace.idle_seconds();
        if self.supply.seconds < STARVED_SECONDS || self.supply.steps < STARVED_STEPS {
            return None;
        }
        let measured = std::mem::take(&mut self.supply);
        let share = measured.data_seconds / measured.seconds;
        let (raised, cleared) = (share > STARVED_SHARE, share < STARVED_NO_MORE_SHARE);
        let new = self.starved.update(raised, cleared);
        new.then(|| starved(self.config, self.threads, share))
    }
}

/// Told once, until it is over.
#[derive(Clone, Copy, Debug, Default)]
struct Alarm {
    told: bool,
}

impl Alarm {
    /// Whether it is to be told now.
    fn update(&mut self, raised: bool, cleared: bool) -> bool {
        let new = raised && !self.told;
        self.told = (self.told || raised) && !cleared;
        new
    }
}

/// For how long a discriminator has been ahead.
#[derive(Clone, Copy, Debug, Default)]
struct Lead {
    smoothed: Option<f64>,
    steps: u64,
    alarm: Alarm,
}

impl Lead {
    /// Takes in the mean loss of `steps` steps, as a share of that of guessing. Gives the smoothed
    /// one when it is to be told.
    fn observe(&mut self, loss: f64, steps: u64) -> Option<f64> {
        let kept = (-(steps as f64) / SMOOTHING_STEPS).exp();
        let before = self.smoothed.unwrap_or(loss);
        let smoothed = before * kept + loss * (1.0 - kept);
        self.smoothed = Some(smoothed);
        self.steps = match smoothed < WON_SHARE {
            true => self.steps + steps,
            false => 0,
        };
        let new = self
            .alarm
            .update(self.steps >= WON_STEPS, smoothed > WON_NO_MORE_SHARE);
        new.then_some(smoothed)
    }
}

/// Whether the validations of a run, step and variety of each, show a generator that makes nearly
/// the same image of every input.
pub fn has_collapsed(validations: &[(u64, f64)]) -> bool {
    let (few, last) = match validations {
        [.., last] => (validations.len() < COLLAPSED_VALIDATIONS, last),
        [] => return false,
    };
    let recent = validations.iter().rev().take(COLLAPSED_VALIDATIONS);
    let all_alike = recent
        .map(|(_, variety)| variety)
        .all(|&variety| variety < COLLAPSED_VARIETY);
    !few && last.0 >= COLLAPSED_STEPS && all_alike
}

#[derive(Clone, Debug, Default)]
struct OutputAlarms {
    /// Step and variety of the validations so far.
    varieties: Vec<(u64, f64)>,
    collapsed: Alarm,
    inverted_validations: u32,
    inverted: Alarm,
}

impl OutputAlarms {
    fn observe(
        &mut self,
        config: &TrainConfig,
        step: u64,
        outputs: &OutputStatistics,
    ) -> Vec<String> {
        let counted = |before: u32, bad: bool| if bad { before + 1 } else { 0 };
        let mut messages = Vec::new();
        if let Some(variety) = outputs.variety {
            self.varieties.push((step, variety));
            let raised = has_collapsed(&self.varieties);
            let cleared = variety > COLLAPSED_NO_MORE_VARIETY;
            if self.collapsed.update(raised, cleared) {
                messages.push(collapsed(config, &outputs.name, variety));
            }
        }
        if let Some(correlation) = outputs.correlation {
            let limit = match config.model {
                ModelKind::Pix2Pix => INVERTED,
                ModelKind::CycleGan => NEGATIVE_OF_INPUT,
            };
            let bad = correlation < limit;
            self.inverted_validations = counted(self.inverted_validations, bad);
            let raised = self.inverted_validations >= VALIDATIONS;
            if self.inverted.update(raised, correlation > limit / 2.0) {
                messages.push(inverted(config, &outputs.name, correlation));
            }
        }
        messages
    }
}

/// The loss of a discriminator: in pix2pix the mean of that for real and that for fake images,
/// as CycleGAN logs it.
fn discriminator_loss(losses: &LossValues, name: &str) -> Option<f64> {
    match name {
        "D" => Some(f64::from(losses.get("D_real")? + losses.get("D_fake")?) / 2.0),
        _ => losses.get(name).map(f64::from),
    }
}

fn won(config: &TrainConfig, name: &str, loss: f64, guessing: f64) -> String {
    let augmented = config.diff_augment != model::training::DiffAugment::default();
    let augment = match augmented {
        true => "more training images",
        false => "--diff-augment color,translation,cutout if there are few training images",
    };
    format!(
        "the discriminator has won: the loss of {name} has been near 0 for {WON_STEPS} steps (now \
         {loss:.3}; {guessing:.3} is guessing), so it has little left to teach the generator; try \
         --lr-d smaller than {}, or {augment}",
        config.lr_d
    )
}

fn collapsed(config: &TrainConfig, name: &str, variety: f64) -> String {
    let remedy = match config.model {
        ModelKind::Pix2Pix => format!(
            "check that the inputs differ, then start again with --lambda-l1 above {} or --lr below {}",
            config.lambda_l1, config.lr
        ),
        ModelKind::CycleGan => format!(
            "start again with --lambda-cycle above {} or --lr below {}",
            config.lambda_cycle, config.lr
        ),
    };
    format!(
        "the generator has collapsed: it makes nearly the same image of every input ({name} \
         varies {:.0}% as much as inputs and real images do, {COLLAPSED_VALIDATIONS} validations in \
         a row); {remedy}",
        100.0 * variety
    )
}

fn inverted(config: &TrainConfig, name: &str, correlation: f64) -> String {
    match config.model {
        ModelKind::Pix2Pix => format!(
            "the colours of {name} are inverted: bright where the target is dark (correlation \
             {correlation:.2}, {VALIDATIONS} validations in a row); check in the samples that inputs \
             and targets belong together, then start again with another --seed or --lr below {}",
            config.lr
        ),
        ModelKind::CycleGan => format!(
            "{name} looks like a negative of its input (correlation {correlation:.2}, {VALIDATIONS} \
             validations in a row), which the cycle losses do not notice; unless that is what you \
             want, start again with --lambda-identity above {} or another --seed",
            config.lambda_identity
        ),
    }
}

fn starved(config: &TrainConfig, threads: usize, share: f64) -> String {
    let workers = config.workers as usize;
    let remedy = match workers < threads {
        true => format!(
            "raise --workers ({workers} now, this machine has {threads} threads), or store the \
             images smaller: about {} pixels are used",
            config.load_size
        ),
        false => format!(
            "every thread is at work (--workers {workers}): store the images smaller, about {} \
             pixels are used, or on a faster disk",
            config.load_size
        ),
    };
    format!(
        "the device waits for images {:.0}% of the time; {remedy}",
        100.0 * share
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::config::TrainArgs;

    #[derive(Parser)]
    struct Words {
        #[command(flatten)]
        args: TrainArgs,
    }

    fn config(words: &[&str]) -> TrainConfig {
        let words = Words::parse_from([&["train"], words].concat());
        words.args.decide(false, 100).expect("settings")
    }

    fn losses(d_real: f32, d_fake: f32) -> LossValues {
        let named = [
            ("G_GAN", 1.0),
            ("G_L1", 20.0),
            ("D_real", d_real),
            ("D_fake", d_fake),
        ];
        named.into_iter().collect()
    }

    /// What is said while the loss of the discriminator takes these values, each for 10 steps.
    fn said(watch: &mut Watch<'_>, values: impl IntoIterator<Item = f32>) -> Vec<String> {
        let values = values.into_iter();
        values
            .flat_map(|value| watch.losses(&losses(value, value * 0.8), 10))
            .collect()
    }

    fn outputs_of(variety: f64, correlation: f64) -> [OutputStatistics; 1] {
        [OutputStatistics {
            name: "fake_B".to_string(),
            variety: Some(variety),
            correlation: Some(correlation),
        }]
    }

    fn pace(data_seconds: f64) -> Pace {
        Pace {
            steps: 5,
            seconds: 1.0,
            data_seconds,
            device_seconds: 0.0,
        }
    }

    /// A lead that comes and goes, as in a healthy game.
    fn game() -> impl Iterator<Item = f32> {
        (0..300).map(|turn| match turn % 12 {
            0..4 => 0.02,
            4..8 => 0.3,
            _ => 0.8,
        })
    }

    #[test]
    fn a_healthy_run_gives_no_warning() {
        let config = config(&[]);
        let mut watch = Watch::new(&config, 8);
        assert_eq!(said(&mut watch, game()), [""; 0]);
        // The first validation comes before anything was learnt.
        for (step, variety, correlation) in [
            (200, 0.05, -0.3),
            (400, 0.4, 0.1),
            (600, 0.8, 0.5),
            (800, 0.9, 0.7),
        ] {
            let found = watch.outputs(step, &outputs_of(variety, correlation));
            assert_eq!(found, [""; 0]);
        }
        for _ in 0..200 {
            assert_eq!(watch.pace(&pace(0.1)), None);
        }
    }

    /// Varieties as real runs on a CPU had them, every 100 steps, base 8.
    #[test]
    fn runs_that_learned_are_not_told_that_they_collapsed() {
        const FACADES_BTOA: [f64; 9] = [0.16, 0.22, 0.35, 0.45, 0.34, 0.36, 0.36, 0.45, 0.35];
        const DRAWN: [f64; 9] = [0.25, 0.35, 0.51, 0.57, 0.71, 0.70, 0.69, 0.71, 0.76];
        const EDGES: [f64; 9] = [0.31, 0.61, 0.81, 0.86, 0.58, 0.97, 0.96, 0.94, 0.80];
        for run in [FACADES_BTOA, DRAWN, EDGES] {
            let config = config(&[]);
            let mut watch = Watch::new(&config, 8);
            for (step, variety) in (1..).map(|index| index * 100).zip(run) {
                assert_eq!(watch.outputs(step, &outputs_of(variety, 0.3)), [""; 0]);
            }
        }
    }

    #[test]
    fn a_beginning_whose_outputs_are_all_alike_is_no_collapse_however_many_validations_say_so() {
        let config = config(&[]);
        let mut watch = Watch::new(&config, 8);
        for step in (10..COLLAPSED_STEPS).step_by(10) {
            assert_eq!(watch.outputs(step, &outputs_of(0.01, 0.3)), [""; 0]);
        }
        assert_eq!(
            watch.outputs(COLLAPSED_STEPS, &outputs_of(0.01, 0.3)).len(),
            1
        );
        // One bad validation among good ones says nothing either.
        let mut watch = Watch::new(&config, 8);
        for (step, variety) in [(1000, 0.4), (2000, 0.05), (3000, 0.05), (4000, 0.3)] {
            assert_eq!(watch.outputs(step, &outputs_of(variety, 0.3)), [""; 0]);
        }
    }

    #[test]
    fn a_discriminator_that_has_won_for_long_is_told_once_with_the_rate_to_lower() {
        let config = config(&["--lr-d", "0.0003"]);
        let mut watch = Watch::new(&config, 8);
        let found = said(&mut watch, std::iter::repeat_n(0.01, 200));
        let [message] = &found[..] else {
            panic!("{found:?}");
        };
        for word in [
            "discriminator has won",
            "--lr-d smaller than 0.0003",
            "--diff-augment",
        ] {
            assert!(message.contains(word), "{message}");
        }
    }

    #[test]
    fn a_discriminator_that_lost_its_lead_and_wins_again_is_told_again() {
        let config = config(&[]);
        let mut watch = Watch::new(&config, 8);
        let won = || std::iter::repeat_n(0.01, 100);
        assert_eq!(said(&mut watch, won()).len(), 1);
        assert_eq!(said(&mut watch, game()), [""; 0]);
        assert_eq!(said(&mut watch, won()).len(), 1);
    }

    #[test]
    fn near_zero_depends_on_what_guessing_costs() {
        let config = config(&["--gan-mode", "lsgan"]);
        let mut watch = Watch::new(&config, 8);
        assert_eq!(said(&mut watch, std::iter::repeat_n(0.04, 200)), [""; 0]);
        assert_eq!(said(&mut watch, std::iter::repeat_n(0.01, 200)).len(), 1);
    }

    #[test]
    fn a_discriminator_that_nobody_listens_to_may_win() {
        let config = config(&["--lambda-gan", "0"]);
        let mut watch = Watch::new(&config, 8);
        assert_eq!(said(&mut watch, std::iter::repeat_n(0.0, 200)), [""; 0]);
    }

    #[test]
    fn either_discriminator_of_cyclegan_is_watched() {
        let config = config(&["--model", "cyclegan", "--a", "x", "--b", "y"]);
        let mut watch = Watch::new(&config, 8);
        let losses: LossValues = [("D_A", 0.2), ("D_B", 0.001)].into_iter().collect();
        let found: Vec<String> = (0..100).flat_map(|_| watch.losses(&losses, 10)).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("D_B"), "{found:?}");
    }

    #[test]
    fn one_output_for_all_inputs_is_told_once_until_outputs_vary_again() {
        let config = config(&[]);
        let mut watch = Watch::new(&config, 8);
        let mut step = 600;
        let mut told = |variety| {
            step += 200;
            watch.outputs(step, &outputs_of(variety, 0.5))
        };
        assert_eq!(told(0.03), [""; 0]);
        assert_eq!(told(0.03), [""; 0]);
        let message = told(0.03).join("");
        for word in ["collapsed", "varies 3% as much", "--lambda-l1 above 100"] {
            assert!(message.contains(word), "{message}");
        }
        assert_eq!(told(0.03), [""; 0]);
        assert_eq!(told(0.15), [""; 0], "not over yet");
        assert_eq!(told(0.5), [""; 0]);
        assert_eq!(told(0.03), [""; 0]);
        assert_eq!(told(0.03), [""; 0]);
        assert_eq!(told(0.03).len(), 1);
    }

    #[test]
    fn inverted_colours_are_told_once_until_they_are_right() {
        let config = config(&[]);
        let mut watch = Watch::new(&config, 8);
        let mut told = |correlation| watch.outputs(1, &outputs_of(0.9, correlation));
        assert_eq!(told(-0.4), [""; 0]);
        let message = told(-0.4).join("");
        for word in ["inverted", "-0.40", "--seed"] {
            assert!(message.contains(word), "{message}");
        }
        assert_eq!(told(-0.4), [""; 0]);
        assert_eq!(told(0.6), [""; 0]);
    }

    #[test]
    fn negatives_of_inputs_are_told_with_the_loss_that_prevents_them() {
        let config = config(&["--model", "cyclegan", "--a", "x", "--b", "y"]);
        let mut watch = Watch::new(&config, 8);
        watch.outputs(1, &outputs_of(0.9, -0.7));
        let message = watch.outputs(2, &outputs_of(0.9, -0.7)).join("");
        assert!(message.contains("--lambda-identity above 0.5"), "{message}");
    }

    #[test]
    fn a_device_that_waits_for_images_is_told_once_with_what_to_change() {
        let config = config(&["--workers", "2"]);
        let mut watch = Watch::new(&config, 8);
        let mut told = |data_seconds| -> Vec<String> {
            let laps = (0..40).filter_map(|_| watch.pace(&pace(data_seconds)));
            laps.collect()
        };
        let message = told(0.6).join("");
        for word in [
            "60% of the time",
            "--workers (2 now, this machine has 8 threads)",
        ] {
            assert!(message.contains(word), "{message}");
        }
        assert_eq!(told(0.6), [""; 0]);
        assert_eq!(told(0.05), [""; 0]);
        assert_eq!(told(0.6).len(), 1);
    }

    #[test]
    fn where_every_thread_is_at_work_smaller_images_are_the_remedy() {
        let config = config(&["--workers", "4"]);
        let mut watch = Watch::new(&config, 4);
        let laps: Vec<String> = (0..20).filter_map(|_| watch.pace(&pace(0.9))).collect();
        assert!(
            laps.join("").contains("store the images smaller"),
            "{laps:?}"
        );
    }
}
