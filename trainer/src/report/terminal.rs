//! Events as bars, lines or JSON. Talk goes to stderr, the result to stdout.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::REPORT_FILE;
use crate::event::Event;
use crate::memory;
use crate::metrics::{COLUMNS, Column, Evaluation, Metrics};
use crate::printable::printable;

const BAR: &str = "{bar:32.cyan/dim} {pos}/{len} steps  {per_sec}  ETA {eta}  {msg}";
/// How often a log without bars tells the losses.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// Bars on a terminal.
pub(super) struct Human {
    bar: ProgressBar,
}

impl Human {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::hidden();
        bar.set_style(
            ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        Self { bar }
    }

    pub(super) fn on(&mut self, event: &Event<'_>) {
        match event {
            Event::Started { config, .. } => {
                eprintln!("{}", headline(event));
                self.bar.set_length(config.steps);
                self.bar
                    .set_draw_target(indicatif::ProgressDrawTarget::stderr_with_hz(4));
            }
            Event::Resumed { step, .. } => {
                self.bar.set_position(*step);
                self.bar.reset_eta();
                self.bar.println(headline(event));
            }
            Event::Step { step, losses, .. } => {
                self.bar.set_position(*step);
                self.bar.set_message(format!("{losses}{}", memory_text()));
            }
            Event::Finished { .. } => {
                self.bar.finish_and_clear();
                println!("{}", summary(event));
            }
            Event::Checkpoint { .. } => {}
            _ => self.bar.println(headline(event)),
        }
    }
}

/// Lines of text.
pub(super) struct Plain {
    started: Instant,
    first_step: u64,
    told: Option<Instant>,
}

impl Plain {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            first_step: 0,
            told: None,
        }
    }

    pub(super) fn on(&mut self, event: &Event<'_>) {
        match event {
            Event::Step {
                step,
                steps,
                losses,
                lr,
                ..
            } => {
                let due = self.told.is_none_or(|told| told.elapsed() >= PLAIN_EVERY);
                if due || step == steps {
                    self.told = Some(Instant::now());
                    let made = step.saturating_sub(self.first_step);
                    let rate = made as f64 / self.started.elapsed().as_secs_f64().max(1e-9);
                    let left = Duration::from_secs_f64((steps - step) as f64 / rate.max(1e-9));
                    eprintln!(
                        "step {step}/{steps}  {rate:.2}/s  ETA {}  {losses}  lr {lr:.2e}{}",
                        indicatif::HumanDuration(left),
                        memory_text()
                    );
                }
            }
            Event::Resumed { step, .. } => {
                self.first_step = *step;
                self.started = Instant::now();
                eprintln!("{}", headline(event));
            }
            Event::Finished { .. } => println!("{}", summary(event)),
            _ => eprintln!("{}", headline(event)),
        }
    }
}

/// A JSON object a line.
pub(super) struct Json;

impl Json {
    pub(super) fn on(&mut self, event: &Event<'_>) {
        let line = match event {
            Event::Started {
                config,
                device,
                train_pairs,
                validation_pairs,
                run,
            } => json!({"event": "started", "device": device, "train_pairs": train_pairs,
                "validation_pairs": validation_pairs, "run": run, "config": config}),
            Event::Resumed { step, checkpoint } => {
                json!({"event": "resumed", "step": step, "checkpoint": checkpoint})
            }
            Event::Step {
                step,
                steps,
                losses,
                lr,
                pace,
            } => json!({"event": "step", "step": step, "steps": steps, "losses": losses,
                "lr": lr, "pace": pace, "memory_bytes": memory::resident_bytes()}),
            Event::Validated {
                step,
                evaluation,
                grid,
                snapshot,
            } => json!({"event": "validated", "step": step, "evaluation": evaluation,
                "grid": grid, "outputs": snapshot.outputs}),
            Event::Checkpoint { step, path } => {
                json!({"event": "checkpoint", "step": step, "path": path})
            }
            Event::Warning { message } => json!({"event": "warning", "message": message}),
            Event::Finished {
                step,
                elapsed,
                interrupted,
                evaluation,
                model,
                model_back,
                run,
            } => {
                println!(
                    "{}",
                    json!({"event": "finished", "step": step, "seconds": elapsed.as_secs_f64(),
                        "interrupted": interrupted, "evaluation": evaluation, "model": model,
                        "model_back": model_back, "run": run})
                );
                return;
            }
        };
        eprintln!("{line}");
    }
}

/// Memory of this program, which on the CPU holds the networks too.
fn memory_text() -> String {
    let text = |bytes| format!("  RAM {}", indicatif::HumanBytes(bytes));
    memory::resident_bytes().map(text).unwrap_or_default()
}

fn headline(event: &Event<'_>) -> String {
    let text = match event {
        Event::Started {
            config,
            device,
            train_pairs,
            validation_pairs,
            run,
        } => format!(
            "training \"{}\" on {device}: {train_pairs} pairs, {validation_pairs} to validate, \
             {} steps of batch {}, base {}, into {}",
            config.name,
            config.steps,
            config.batch,
            config.base,
            run.display()
        ),
        Event::Resumed { step, checkpoint } => match checkpoint {
            Some(path) => format!("step {step}: resumed from {}", path.display()),
            None => "no checkpoint yet: begins again".to_string(),
        },
        Event::Validated {
            step,
            evaluation,
            grid,
            ..
        } if evaluation.count == 0 => format!("step {step}: samples in {}", grid.display()),
        Event::Validated {
            step,
            evaluation,
            grid,
            ..
        } => format!(
            "step {step}: validation PSNR {:.2} dB (input {:.2}), L1 {:.4}, samples in {}",
            evaluation.output.psnr,
            evaluation.input.psnr,
            evaluation.output.l1,
            grid.display()
        ),
        Event::Checkpoint { step, path } => {
            format!("step {step}: checkpoint in {}", path.display())
        }
        Event::Warning { message } => format!("warning: {message}"),
        Event::Step { .. } | Event::Finished { .. } => String::new(),
    };
    printable(&text).into_owned()
}

fn summary(event: &Event<'_>) -> String {
    let Event::Finished {
        step,
        elapsed,
        interrupted,
        evaluation,
        model,
        model_back,
        run,
    } = event
    else {
        return String::new();
    };
    let how = if *interrupted {
        "interrupted after"
    } else {
        "finished"
    };
    let table = match model_back {
        // CycleGAN learns without pairs: there is no target to compare with.
        Some(_) => String::new(),
        None => format!("{}\n\n", metrics_table(evaluation)),
    };
    let back = match model_back {
        Some(back) => format!("\nback     {}", back.display()),
        None => String::new(),
    };
    let text = format!(
        "{how} {step} steps in {}\n\n{table}report   {}\nsamples  {}\nmodel    {}{back}\n\nopen it in \
         a browser:\n  cargo xtask serve --model {}",
        indicatif::HumanDuration(*elapsed),
        run.join(REPORT_FILE).display(),
        run.join("samples").display(),
        model.display(),
        model.display(),
    );
    printable(&text).into_owned()
}

/// Output and untouched input against the target.
pub fn metrics_table(evaluation: &Evaluation) -> String {
    if evaluation.count == 0 {
        return "no validation pictures".to_string();
    }
    let both = [&evaluation.output, &evaluation.input];
    let shown = |column: &&Column| {
        let measured = both.iter().any(|metrics| column.of(metrics).is_some());
        measured && !column.of_depth
    };
    let columns: Vec<&Column> = COLUMNS.iter().filter(shown).collect();
    let line = |name: &str, cell: &dyn Fn(&Column) -> String| {
        let cells = columns.iter().map(|column| format!(" {:>8}", cell(column)));
        format!("{name:<18}{}", cells.collect::<String>())
    };
    let row = |name: &str, metrics: &Metrics| line(name, &|column| column.text(metrics));
    let depth = |name: &str, metrics: &Metrics| {
        metrics.depth.map(|depth| {
            format!(
                "\n{name:<18} MAE {:.1}  RMSE {:.1}  relative {:.4}  within 1.25 {:.4}",
                depth.mae, depth.rmse, depth.abs_rel, depth.delta1
            )
        })
    };
    let depths = [
        depth("depth, input", &evaluation.input),
        depth("depth, output", &evaluation.output),
    ];
    format!(
        "{}   ({} validation pictures)\n{}\n{}{}",
        line("", &|column| column.title.to_string()),
        evaluation.count,
        row("untouched input", &evaluation.input),
        row("output", &evaluation.output),
        depths.into_iter().flatten().collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_the_columns_that_were_measured() {
        let evaluation = |output: Metrics| Evaluation {
            count: 3,
            output,
            input: Metrics::default(),
        };
        let small = metrics_table(&evaluation(Metrics::default()));
        assert!(small.contains("SSIM") && small.contains("(3 validation pictures)"));
        let large = metrics_table(&evaluation(Metrics {
            ms_ssim: Some(0.87654),
            fid: Some(41.239),
            ..Metrics::default()
        }));
        for cell in ["MS-SSIM", "0.8765", "FID", "41.24", "–"] {
            assert!(large.contains(cell), "{large}");
            assert!(!small.contains(cell), "{small}");
        }
        assert!(!large.contains("LPIPS"), "{large}");
    }
}
