//! Events as bars, lines or JSON. Talk goes to stderr, the result to stdout.

use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use model::training::ModelKind;
use serde_json::json;

use crate::evaluate::metrics::{COLUMNS, Column, Evaluation, Metrics};
use crate::run::event::Event;
use crate::run_folder::RunFolder;
use crate::system::built_page::built_page;
use crate::system::console::{self, counted, notice, print_result, talk};
use crate::system::memory;

const BAR: &str = "{bar:12.cyan/dim} {pos}/{len} {rate}  ETA {eta}  {wide_msg}";
const OPEN: &str = "\nopen it in a browser:\n  ";
/// How often a log without bars tells the losses.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// Bars on a terminal.
pub(super) struct Human {
    bar: ProgressBar,
}

impl Human {
    pub(super) fn new() -> Self {
        Self {
            bar: ProgressBar::hidden(),
        }
    }

    pub(super) fn on(&mut self, event: &Event<'_>) {
        match event {
            Event::Started { config, .. } => {
                talk!("{}", headline(event));
                self.bar = console::bar(Some(config.steps), BAR);
            }
            Event::Resumed { step, .. } => {
                self.bar.set_position(*step);
                self.bar.reset_eta();
                talk!("{}", headline(event));
            }
            Event::Step { step, losses, .. } => {
                self.bar.set_position(*step);
                self.bar.set_message(format!("{losses}{}", memory_text()));
            }
            Event::Finished { .. } => {
                self.bar.finish_and_clear();
                tell_result(&summary(event));
            }
            Event::Checkpoint { .. } => {}
            Event::Warning { .. } => notice!("{}", headline(event)),
            Event::Preparing { .. } | Event::Validated { .. } => talk!("{}", headline(event)),
        }
    }
}

/// The result is in the run folder, too: it does not matter whether anybody reads it here.
fn tell_result(text: &str) {
    let _ = print_result!("{text}");
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
                    talk!(
                        "step {step}/{steps}  {rate:.2}/s  ETA {}  {losses}  lr {lr:.2e}{}",
                        indicatif::HumanDuration(left),
                        memory_text()
                    );
                }
            }
            Event::Started { .. } => {
                self.started = Instant::now();
                talk!("{}", headline(event));
            }
            Event::Resumed { step, .. } => {
                self.first_step = *step;
                self.started = Instant::now();
                talk!("{}", headline(event));
            }
            Event::Finished { .. } => tell_result(&summary(event)),
            Event::Warning { .. } => notice!("{}", headline(event)),
            _ => talk!("{}", headline(event)),
        }
    }
}

/// A JSON object a line.
pub(super) struct Json;

impl Json {
    pub(super) fn on(&mut self, event: &Event<'_>) {
        let mut line = json!(event);
        match event {
            Event::Finished { .. } => tell_result(&line.to_string()),
            Event::Warning { .. } => notice!("{line}"),
            Event::Step { .. } => {
                line["memory_bytes"] = json!(memory::resident_bytes());
                talk!("{line}");
            }
            _ => talk!("{line}"),
        }
    }
}

/// Memory of this program, which on the CPU holds the networks too.
fn memory_text() -> String {
    let text = |bytes| format!("  RAM {}", indicatif::HumanBytes(bytes));
    memory::resident_bytes().map(text).unwrap_or_default()
}

fn headline(event: &Event<'_>) -> String {
    match event {
        Event::Preparing { device } => format!(
            "preparing {device}: kernels are compiled and measured, which can take a few minutes"
        ),
        Event::Started {
            config,
            device,
            train_pairs,
            validation_pairs,
            run,
        } => format!(
            "training \"{}\" on {device}: {}, {validation_pairs} to validate, {} of batch {}, base {}, \
             into {}",
            config.name,
            match config.model {
                ModelKind::Pix2Pix => counted(*train_pairs, "pair"),
                ModelKind::CycleGan => format!("up to {} a side", counted(*train_pairs, "image")),
            },
            counted(config.steps as usize, "step"),
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
            validation_pairs,
            grid,
            ..
        } => format!(
            "step {step}: validation PSNR {:.2} dB (input {:.2}), L1 {:.4} of {}, samples in {}",
            evaluation.output.psnr,
            evaluation.input.psnr,
            evaluation.output.l1,
            part_of(evaluation.count, *validation_pairs),
            grid.display()
        ),
        Event::Checkpoint { step, path } => {
            format!("step {step}: checkpoint in {}", path.display())
        }
        Event::Warning { message } => format!("warning: {message}"),
        Event::Step { .. } | Event::Finished { .. } => String::new(),
    }
}

/// "16 of 734 images", "all 12 images".
fn part_of(count: usize, all: usize) -> String {
    match count < all {
        true => format!("{count} of {}", counted(all, "image")),
        false => format!("all {}", counted(all, "image")),
    }
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
        None => format!("{}\n\n", metrics_table(evaluation, "validation image", "")),
    };
    let back = match model_back {
        Some(back) => format!("\nback     {}", back.display()),
        None => String::new(),
    };
    let folder = RunFolder::open(run);
    let word = |path: &Path| console::shell_word(&path.display().to_string());
    format!(
        "{how} {} in {}\n\n{table}report   {}\nsamples  {}\nmodel    {}{back}\n\ntranslate \
         images with it:\n  {} translate --model {} IMAGE --output result.png{}",
        counted(*step as usize, "step"),
        indicatif::HumanDuration(*elapsed),
        folder.report().display(),
        folder.samples().display(),
        model.display(),
        console::program(),
        word(run),
        match (built_page(), is_in_sources()) {
            (Some(_), _) => format!("{OPEN}{} serve {}", console::program(), word(run)),
            (None, true) => format!("{OPEN}cargo xtask serve --model {}", word(model)),
            (None, false) => String::new(),
        },
    )
}

/// Whether this is a folder of the sources, where `cargo xtask` is to be had.
fn is_in_sources() -> bool {
    let here = std::env::current_dir().unwrap_or_default();
    here.ancestors()
        .any(|folder| folder.join("xtask/Cargo.toml").is_file())
}

/// Output and untouched input against the target; `noun` says what was counted, `of` of what.
pub fn metrics_table(evaluation: &Evaluation, noun: &str, of: &str) -> String {
    if evaluation.count == 0 {
        return format!("no {noun}s{of}");
    }
    let rows = [
        ("untouched input", evaluation.input),
        ("output", evaluation.output),
    ];
    let caption = format!("{}{of}", counted(evaluation.count, noun));
    let depths = rows.iter().filter_map(|(name, metrics)| {
        let depth = metrics.depth?;
        let of_depth = format!("depth, {}", name.trim_start_matches("untouched "));
        Some(format!(
            "\n{of_depth:<18} MAE {:.1}  RMSE {:.1}  relative {:.4}  within 1.25 {:.4}",
            depth.mae, depth.rmse, depth.abs_rel, depth.delta1
        ))
    });
    rows_table(&rows, &caption) + &depths.collect::<String>()
}

/// A line for each of `rows` with what was measured, and a caption beside the heads.
pub fn rows_table(rows: &[(&str, Metrics)], caption: &str) -> String {
    let shown = |column: &&Column| {
        let measured = rows.iter().any(|(_, metrics)| column.of(metrics).is_some());
        measured && !column.is_of_depth()
    };
    let columns: Vec<&Column> = COLUMNS.iter().filter(shown).collect();
    let line = |name: &str, cell: &dyn Fn(&Column) -> String| {
        let cells = columns.iter().map(|column| format!(" {:>8}", cell(column)));
        format!("{name:<18}{}", cells.collect::<String>())
    };
    let heads = line("", &|column| column.title.to_string());
    let rows = rows
        .iter()
        .map(|(name, metrics)| format!("\n{}", line(name, &|column| column.text(metrics))));
    format!("{heads}   ({caption}){}", rows.collect::<String>())
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
        let table = |output| metrics_table(&evaluation(output), "validation image", " of x");
        let small = table(Metrics::default());
        assert!(small.contains("SSIM") && small.contains("(3 validation images of x)"));
        let large = table(Metrics {
            ms_ssim: Some(0.87654),
            fid: Some(41.239),
            ..Metrics::default()
        });
        for cell in ["MS-SSIM", "0.8765", "FID", "41.24", "–"] {
            assert!(large.contains(cell), "{large}");
            assert!(!small.contains(cell), "{small}");
        }
        assert!(!large.contains("LPIPS"), "{large}");
    }
}
