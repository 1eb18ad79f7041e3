//! What the numbers of a run mean, in plain words. Nothing here draws; what is wrong while a run
//! goes on is told by [`watch`](crate::run::watch), with the same limits.

use model::training::GanMode;

use super::history::History;
use crate::run::watch::{COLLAPSED_VARIETY, INVERTED, NEGATIVE_OF_INPUT, WON_SHARE, has_collapsed};

/// The last share of a run that "now" means.
const RECENT: f64 = 0.15;
/// Losses closer to that of guessing than this share of it are guessing.
const GUESSING_SHARE: f64 = 0.12;
/// A fall smaller than this share is none, however certain.
const SMALLEST_FALL: f64 = 0.01;
/// How many standard errors a fall must be larger than chance.
const CERTAIN: f64 = 2.0;
/// Fewer rows than this say nothing.
const ENOUGH: usize = 12;

/// How good a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As it should be.
    Good,
    /// Worth knowing.
    Note,
    /// Something should be done.
    Bad,
}

/// A question and its answer.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub verdict: Verdict,
    pub question: String,
    pub answer: String,
}

/// Where a series went over its second half.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trend {
    Falling(f64),
    Flat,
    Rising(f64),
}

/// What a run says, the most important first.
pub(super) fn read(history: &History) -> Vec<Finding> {
    let mut findings = Vec::new();
    let discriminators: &[(&str, &[&str])] = match history.is_cyclegan() {
        true => &[("D_A", &["D_A"]), ("D_B", &["D_B"])],
        false => &[("D", &["D_real", "D_fake"])],
    };
    for (name, losses) in discriminators {
        findings.extend(lead(history, name, losses));
    }
    findings.extend(variety(history));
    let wanted: &[(&str, &str)] = match history.is_cyclegan() {
        true => &[("cycle_A", "cycle loss A"), ("cycle_B", "cycle loss B")],
        false => &[("G_L1", "L1")],
    };
    for (loss, words) in wanted {
        findings.extend(still_falling(history, loss, words));
    }
    findings.extend(colors(history));
    findings.extend(against_input(history));
    findings.extend(memorised(history));
    findings
}

/// Has a discriminator won, lost, or neither?
fn lead(history: &History, name: &str, losses: &[&str]) -> Option<Finding> {
    if name == "D" && history.config["lambda_gan"] == 0.0 {
        // Nobody listens to it.
        return None;
    }
    let means: Option<Vec<f64>> = losses
        .iter()
        .map(|loss| recent_mean(&history.loss(loss)))
        .collect();
    let means = means?;
    let mean = means.iter().sum::<f64>() / means.len() as f64;
    let guessing = history.gan_mode().guessing_loss();
    let question = match name {
        "D" => "Has the discriminator won?".to_string(),
        _ => format!("Has the discriminator {name} won?"),
    };
    let at_guessing = match history.gan_mode() {
        GanMode::Vanilla => "0.693 (log 2)".to_string(),
        _ => format!("{guessing}"),
    };
    let (verdict, answer) = if mean < WON_SHARE * guessing {
        (
            Verdict::Bad,
            format!(
                "Yes: its loss is {mean:.3}, near 0, so it has little left to teach the generator. \
                 Try a smaller --lr-d; with few training images, --diff-augment \
                 color,translation,cutout."
            ),
        )
    } else if (mean / guessing - 1.0).abs() < GUESSING_SHARE {
        (
            Verdict::Good,
            format!(
                "No: its loss is {mean:.3}, about the {at_guessing} of guessing. It cannot tell \
                 outputs from real images; early in a run, not yet."
            ),
        )
    } else if mean < guessing {
        (
            Verdict::Good,
            format!(
                "No: its loss is {mean:.3}, between 0 (it has won) and {at_guessing} (it is \
                 guessing). It tells most outputs from real images and still has something to \
                 teach."
            ),
        )
    } else {
        (
            Verdict::Note,
            format!(
                "No: its loss is {mean:.3}, above the {at_guessing} of guessing. The generator \
                 fools it; if samples look bad all the same, try a larger --lr-d."
            ),
        )
    };
    Some(Finding {
        verdict,
        question,
        answer,
    })
}

/// Has the generator collapsed?
fn variety(history: &History) -> Option<Finding> {
    let names = history.validations.last()?.outputs.iter();
    let known = names.filter_map(|outputs| {
        let varieties = history.varieties(&outputs.name);
        Some((&outputs.name, outputs.variety?, has_collapsed(&varieties)))
    });
    let (name, variety, collapsed) = known.min_by(|a, b| a.1.total_cmp(&b.1))?;
    let percent = 100.0 * variety;
    let (verdict, answer) = match (collapsed, variety < COLLAPSED_VARIETY) {
        (true, _) => (
            Verdict::Bad,
            format!(
                "Yes: {name} varies {percent:.0}% as much as inputs and real images do; it is \
                 nearly the same for every input. Start again with a smaller --lr, or more weight \
                 on what outputs must resemble."
            ),
        ),
        (false, true) => (
            Verdict::Note,
            format!(
                "It is too early to tell: {name} varies {percent:.0}% as much from input to input \
                 as inputs and real images do. A network learns the mean image first."
            ),
        ),
        (false, false) => (
            Verdict::Good,
            format!(
                "No: {name} varies {percent:.0}% as much from input to input as inputs and real \
                 images do."
            ),
        ),
    };
    Some(Finding {
        verdict,
        question: "Has the generator collapsed?".to_string(),
        answer,
    })
}

fn still_falling(history: &History, loss: &str, words: &str) -> Option<Finding> {
    let (verdict, answer) = match trend(&history.loss(loss))? {
        Trend::Falling(share) => (
            Verdict::Good,
            format!(
                "Yes: {loss} fell by {:.0}% within the second half of the steps so far. Longer \
                 training may pay.",
                100.0 * share
            ),
        ),
        Trend::Flat => (
            Verdict::Note,
            format!(
                "No: {loss} is the same throughout the second half of the steps so far, but for \
                 noise. Longer training at this rate will hardly lower it."
            ),
        ),
        Trend::Rising(share) => (
            Verdict::Bad,
            format!(
                "No: {loss} rose by {:.0}% within the second half of the steps so far. Try a \
                 smaller --lr, or an earlier checkpoint.",
                100.0 * share
            ),
        ),
    };
    let verb = if words == "L1" { "Is" } else { "Is the" };
    Some(Finding {
        verdict,
        question: format!("{verb} {words} still falling?"),
        answer,
    })
}

fn colors(history: &History) -> Option<Finding> {
    let outputs = &history.validations.last()?.outputs;
    let (limit, other) = match history.is_cyclegan() {
        true => (NEGATIVE_OF_INPUT, "its input"),
        false => (INVERTED, "its target"),
    };
    let known = outputs
        .iter()
        .filter_map(|outputs| Some((&outputs.name, outputs.correlation?)));
    let (name, correlation) = known.min_by(|a, b| a.1.total_cmp(&b.1))?;
    (correlation < limit).then(|| Finding {
        verdict: Verdict::Bad,
        question: "Are colours inverted?".to_string(),
        answer: format!(
            "Yes: {name} is bright where {other} is dark (correlation {correlation:.2}). Start again \
             with another --seed; for cyclegan, with a larger --lambda-identity."
        ),
    })
}

/// Is the output closer to the target than the untouched input?
fn against_input(history: &History) -> Option<Finding> {
    let (step, last) = history.last_evaluation()?;
    let (output, input) = (last.output, last.input);
    let gain = output.psnr - input.psnr;
    let (verdict, how) = match gain > 0.0 {
        true => (Verdict::Good, "Yes"),
        false => (Verdict::Bad, "No"),
    };
    let side = if gain > 0.0 { "above" } else { "below" };
    Some(Finding {
        verdict,
        question: "Is the output better than the untouched input?".to_string(),
        answer: format!(
            "{how}: PSNR {:.2} dB, {:.2} dB {side} the input's {:.2}; L1 {:.4} against {:.4} ({} \
             validation images at step {}).",
            output.psnr,
            gain.abs(),
            input.psnr,
            output.l1,
            input.l1,
            last.count,
            step
        ),
    })
}

/// Did validation turn while training went on to improve?
fn memorised(history: &History) -> Option<Finding> {
    let rows = history.comparable_validations();
    let (last, best) = (
        rows.last()?,
        rows.iter()
            .min_by(|a, b| a.evaluation.output.l1.total_cmp(&b.evaluation.output.l1))?,
    );
    let loss = best.evaluation.output.l1;
    let worse = last.evaluation.output.l1 / loss.max(f64::MIN_POSITIVE) - 1.0;
    let improves = matches!(trend(&history.loss("G_L1"))?, Trend::Falling(_));
    (rows.len() >= 3 && improves && worse > SMALLEST_FALL).then(|| Finding {
        verdict: Verdict::Note,
        question: "Is it learning the training images by heart?".to_string(),
        answer: format!(
            "Perhaps: L1 still falls on training images, but on validation images it was lowest \
             at step {} and is {:.0}% above that now. More images help most.",
            best.step,
            100.0 * worse
        ),
    })
}

/// Mean of the last steps.
fn recent_mean(series: &[(u64, f64)]) -> Option<f64> {
    let last = series.last()?.0 as f64;
    let recent = series
        .iter()
        .filter(|(step, _)| *step as f64 >= last * (1.0 - RECENT));
    let values: Vec<f64> = recent.map(|(_, value)| *value).collect();
    mean_and_error(&values).map(|(mean, _)| mean)
}

/// Compares the third and the last quarter.
fn trend(series: &[(u64, f64)]) -> Option<Trend> {
    let last = series.last()?.0 as f64;
    let part = |from: f64, to: f64| -> Vec<f64> {
        let within = series.iter().filter(|(step, _)| {
            let share = *step as f64 / last;
            share > from && share <= to
        });
        within.map(|(_, value)| *value).collect()
    };
    let (before, now) = (part(0.5, 0.75), part(0.75, 1.0));
    if before.len() < ENOUGH || now.len() < ENOUGH {
        return None;
    }
    let ((before, before_error), (now, now_error)) =
        (mean_and_error(&before)?, mean_and_error(&now)?);
    let chance = CERTAIN * before_error.hypot(now_error);
    let share = (before - now) / before.abs().max(f64::MIN_POSITIVE);
    let certain = (before - now).abs() > chance && share.abs() > SMALLEST_FALL;
    Some(match (certain, share > 0.0) {
        (false, _) => Trend::Flat,
        (true, true) => Trend::Falling(share),
        (true, false) => Trend::Rising(-share),
    })
}

/// Mean and its standard error.
fn mean_and_error(values: &[f64]) -> Option<(f64, f64)> {
    let count = values.len() as f64;
    if values.is_empty() {
        return None;
    }
    let mean = values.iter().sum::<f64>() / count;
    let squares = values.iter().map(|value| (value - mean).powi(2));
    let variance = squares.sum::<f64>() / (count - 1.0).max(1.0);
    Some((mean, (variance / count).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::metrics::Evaluation;
    use crate::evaluate::snapshot::OutputStatistics;
    use crate::run_folder::metrics_log::{StepRow, Validation};

    /// A loss at a share of the run.
    type Curve = fn(f64) -> f64;

    /// A run of 2000 steps of these losses, each a function of the share of the run.
    fn history(losses: &[(&str, Curve)], config: serde_json::Value) -> History {
        let steps = (1..=200i32).map(|row| {
            // Noise of one part in ten.
            let noise = 1.0 + 0.1 * f64::from(row * 7919 % 200 - 100) / 100.0;
            let value = |curve: Curve| curve(f64::from(row) / 200.0) * noise;
            StepRow {
                step: row as u64 * 10,
                lr: 2e-4,
                losses: losses
                    .iter()
                    .map(|(name, curve)| (name.to_string(), value(*curve)))
                    .collect(),
                pace: None,
            }
        });
        History {
            config,
            steps: steps.collect(),
            ..History::default()
        }
    }

    fn answer(findings: &[Finding], question: &str) -> (Verdict, String) {
        let found = findings.iter().find(|finding| finding.question == question);
        let found = found.unwrap_or_else(|| panic!("\"{question}\" is not in {findings:?}"));
        (found.verdict, found.answer.clone())
    }

    fn adversarial(d: Curve, config: serde_json::Value) -> (Verdict, String) {
        let findings = read(&history(&[("D_real", d), ("D_fake", d)], config));
        answer(&findings, "Has the discriminator won?")
    }

    #[test]
    fn a_discriminator_wins_guesses_or_teaches() {
        let config = serde_json::json!({});
        let (verdict, words) = adversarial(|_| 0.01, config.clone());
        assert_eq!(verdict, Verdict::Bad);
        assert!(
            words.starts_with("Yes") && words.contains("--lr-d"),
            "{words}"
        );
        let (verdict, words) = adversarial(|_| 0.69, config.clone());
        assert_eq!(verdict, Verdict::Good);
        assert!(words.contains("0.693 (log 2) of guessing"), "{words}");
        let (verdict, words) = adversarial(|_| 0.3, config.clone());
        assert_eq!(verdict, Verdict::Good);
        assert!(words.contains("still has something to teach"), "{words}");
        let (verdict, words) = adversarial(|_| 0.25, serde_json::json!({"gan_mode": "lsgan"}));
        assert_eq!(verdict, Verdict::Good);
        assert!(words.contains("0.25 of guessing"), "{words}");
    }

    #[test]
    fn l1_falls_stays_or_rises() {
        let trend = |curve: Curve| {
            let findings = read(&history(&[("G_L1", curve)], serde_json::json!({})));
            answer(&findings, "Is L1 still falling?")
        };
        let (verdict, words) = trend(|share| 40.0 - 20.0 * share);
        assert_eq!(verdict, Verdict::Good);
        assert!(
            words.contains("fell by 18%") || words.contains("fell by 19%"),
            "{words}"
        );
        assert_eq!(trend(|_| 30.0).0, Verdict::Note);
        assert_eq!(trend(|share| 20.0 + 10.0 * share).0, Verdict::Bad);
    }

    #[test]
    fn cyclegan_is_asked_about_its_cycles() {
        let config = serde_json::json!({"model": "cyclegan", "gan_mode": "lsgan"});
        let findings = read(&history(
            &[
                ("cycle_A", |share| 3.0 - share),
                ("cycle_B", |_| 2.0),
                ("D_B", |_| 0.001),
            ],
            config,
        ));
        let verdict = |question| answer(&findings, question).0;
        assert_eq!(verdict("Is the cycle loss A still falling?"), Verdict::Good);
        assert_eq!(verdict("Is the cycle loss B still falling?"), Verdict::Note);
        assert_eq!(verdict("Has the discriminator D_B won?"), Verdict::Bad);
    }

    #[test]
    fn outputs_that_are_all_the_same_or_negatives_are_found() {
        let mut history = history(&[], serde_json::json!({}));
        let mut judged = |step, variety, correlation| {
            let outputs = OutputStatistics {
                name: "fake_B".to_string(),
                variety: Some(variety),
                correlation: Some(correlation),
            };
            history.validations.push(Validation {
                step,
                evaluation: Evaluation::default(),
                outputs: vec![outputs],
            });
            read(&history)
        };
        let found = judged(10, 0.8, 0.5);
        assert_eq!(
            answer(&found, "Has the generator collapsed?").0,
            Verdict::Good
        );
        assert_eq!(found.len(), 1);
        let collapsed = |findings: &[Finding]| answer(findings, "Has the generator collapsed?").0;
        for step in [500, 1000] {
            assert_eq!(collapsed(&judged(step, 0.02, 0.1)), Verdict::Note);
        }
        let found = judged(1500, 0.02, -0.6);
        assert_eq!(collapsed(&found), Verdict::Bad);
        assert_eq!(answer(&found, "Are colours inverted?").0, Verdict::Bad);
    }
}
