//! The learning rate of each step.

use serde::{Deserialize, Serialize};

use super::exact::{Exact, Mean};

/// How the learning rate changes, under the reference implementation's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LrPolicy {
    /// Constant, then falling in a line to zero.
    Linear,
    /// A tenth after every so many epochs.
    Step,
    /// Half a cosine over the constant epochs.
    Cosine,
    /// A fifth when the reconstruction loss has not fallen by a hundredth for five epochs.
    Plateau,
    /// Always the same.
    Constant,
}

const STEP_FACTOR: f64 = 0.1;
const PLATEAU_FACTOR: f64 = 0.2;
const PLATEAU_THRESHOLD: f64 = 0.01;
const PLATEAU_PATIENCE: u64 = 5;

/// Learning rates of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Of the generators.
    pub net_g: f64,
    /// Of the discriminators.
    pub net_d: f64,
}

/// The whole plan. Its unit of time is an epoch, or a step where a run is counted in steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Shape of the plan.
    pub policy: LrPolicy,
    /// Steps in a unit of time.
    pub unit_steps: u64,
    /// Units before the decay of `linear`; half a period of `cosine`.
    pub constant: u64,
    /// Units of the decay of `linear`.
    pub decay: u64,
    /// Units between the falls of `step`.
    pub decay_every: u64,
}

impl Schedule {
    /// The factor on the learning rates in step number `step`, counted from zero; that of
    /// `plateau` follows from the losses instead: see [`Plateau`].
    pub fn factor(&self, step: u64) -> f64 {
        self.factor_at(step / self.unit_steps.max(1))
    }

    fn factor_at(&self, unit: u64) -> f64 {
        match self.policy {
            LrPolicy::Constant | LrPolicy::Plateau => 1.0,
            LrPolicy::Linear => {
                let late = (unit + 1).saturating_sub(self.constant) as f64;
                (1.0 - late / (self.decay + 1) as f64).max(0.0)
            }
            LrPolicy::Step => {
                let falls = unit / self.decay_every.max(1);
                STEP_FACTOR.powi(i32::try_from(falls).unwrap_or(i32::MAX))
            }
            LrPolicy::Cosine => {
                let turn = std::f64::consts::PI * unit as f64 / self.constant.max(1) as f64;
                (1.0 + turn.cos()) / 2.0
            }
        }
    }
}

/// Lowers the rate when a loss stops falling.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plateau {
    factor: Exact,
    best: Option<Exact>,
    patience_used: u64,
    /// Losses of the epoch so far.
    #[serde(default)]
    epoch: Mean,
}

impl Default for Plateau {
    fn default() -> Self {
        Self {
            factor: Exact(1.0),
            best: None,
            patience_used: 0,
            epoch: Mean::default(),
        }
    }
}

impl Plateau {
    /// The factor on the learning rates.
    pub fn factor(&self) -> f64 {
        self.factor.0
    }

    /// Takes the loss of a step.
    pub fn add(&mut self, loss: f64) {
        self.epoch.add(loss);
    }

    /// Judges the mean loss of the epoch, and begins another.
    pub fn end_epoch(&mut self) {
        if let Some(mean) = self.epoch.take() {
            self.observe(mean);
        }
    }

    /// Takes the mean loss of an epoch.
    pub fn observe(&mut self, loss: f64) {
        let improved = self
            .best
            .is_none_or(|best| loss < best.0 * (1.0 - PLATEAU_THRESHOLD));
        if improved {
            self.best = Some(Exact(loss));
            self.patience_used = 0;
            return;
        }
        self.patience_used += 1;
        if self.patience_used > PLATEAU_PATIENCE {
            self.factor.0 *= PLATEAU_FACTOR;
            self.patience_used = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(policy: LrPolicy, constant: u64, decay: u64) -> Schedule {
        Schedule {
            policy,
            unit_steps: 1,
            constant,
            decay,
            decay_every: 50,
        }
    }

    #[test]
    fn a_run_counted_in_steps_is_constant_for_half_and_then_falls_to_almost_nothing() {
        let schedule = schedule(LrPolicy::Linear, 50, 50);
        assert_eq!(schedule.factor(0), 1.0);
        assert_eq!(schedule.factor(49), 1.0);
        assert!((schedule.factor(75) - 0.5).abs() < 0.02);
        assert!(schedule.factor(99) > 0.0 && schedule.factor(99) < 0.05);
        assert_eq!(schedule.factor(1_000), 0.0);
    }

    /// What PyTorch's schedulers give, epoch by epoch.
    const REFERENCE: &str = include_str!("../../tests/fixtures/lr_schedules.json");

    #[test]
    fn rates_per_epoch_are_those_of_pytorch() {
        let reference: serde_json::Value = serde_json::from_str(REFERENCE).expect("JSON");
        let number = |name: &str| reference[name].as_u64().expect("a number");
        let lr = reference["lr"].as_f64().expect("a number");
        for (name, policy) in [
            ("linear", LrPolicy::Linear),
            ("step", LrPolicy::Step),
            ("cosine", LrPolicy::Cosine),
        ] {
            let schedule = Schedule {
                policy,
                unit_steps: 7,
                constant: number("n_epochs"),
                decay: number("n_epochs_decay"),
                decay_every: number("lr_decay_iters"),
            };
            let expected = reference["per_epoch"][name].as_array().expect("a list");
            for (epoch, expected) in (0u64..).zip(expected) {
                let expected = expected.as_f64().expect("a number");
                for step in [7 * epoch, 7 * epoch + 6] {
                    let found = lr * schedule.factor(step);
                    // The last bits of PyTorch's cosine come from its chain of products.
                    let close = (found - expected).abs() <= 4.0 * f64::EPSILON * lr;
                    assert!(close, "{name}, epoch {epoch}: {found}, not {expected}");
                }
            }
        }
    }

    #[test]
    fn a_loss_that_stops_falling_lowers_the_rate_after_five_epochs() {
        let mut plateau = Plateau::default();
        for loss in [1.0, 0.9, 0.899, 0.898, 0.897, 0.896, 0.895] {
            plateau.observe(loss);
            assert_eq!(plateau.factor(), 1.0);
        }
        plateau.observe(0.894);
        assert_eq!(plateau.factor(), PLATEAU_FACTOR);
        for _ in 0..6 {
            plateau.observe(f64::NAN);
        }
        assert!(plateau.factor() < PLATEAU_FACTOR);
    }
}
