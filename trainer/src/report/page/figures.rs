//! Which curves a page shows, and what they mean.

use model::training::GanMode;

use crate::evaluate::metrics::{Better, COLUMNS, Column, Evaluation, Metrics};
use crate::report::chart::{Chart, Curve};
use crate::report::history::History;
use crate::run_folder::metrics_log::Validation;

/// A chart and how to read it.
pub(super) struct Figure {
    pub chart: Chart,
    pub caption: String,
}

/// Losses that belong onto one chart.
struct Group {
    title: &'static str,
    losses: &'static [&'static str],
    judged: bool,
    caption: &'static str,
}

const GAME: &str = "Both sides of the game. D near 0 means that the discriminator has won; at the \
                    dashed line it is guessing. G is how far it is from taking outputs for real.";
const PAIRED: [Group; 2] = [
    Group {
        title: "Adversarial losses",
        losses: &["D_real", "D_fake", "G_GAN"],
        judged: true,
        caption: GAME,
    },
    Group {
        title: "G_L1",
        losses: &["G_L1"],
        judged: false,
        caption: "The weighted mean difference between output and target, on training images. It \
                  should fall.",
    },
];
const UNPAIRED: [Group; 4] = [
    Group {
        title: "Adversarial losses, A to B",
        losses: &["D_A", "G_A"],
        judged: true,
        caption: GAME,
    },
    Group {
        title: "Adversarial losses, B to A",
        losses: &["D_B", "G_B"],
        judged: true,
        caption: GAME,
    },
    Group {
        title: "Cycle losses",
        losses: &["cycle_A", "cycle_B"],
        judged: false,
        caption: "The weighted mean difference of an image and itself, there and back. Both should \
                  fall.",
    },
    Group {
        title: "Identity losses",
        losses: &["idt_A", "idt_B"],
        judged: false,
        caption: "How much a generator changes images that are already of its kind.",
    },
];

/// The figures of a run; those without points are left out when they are drawn.
pub(super) fn figures(history: &History) -> Vec<Figure> {
    let groups: &[Group] = match history.is_cyclegan() {
        true => &UNPAIRED,
        false => &PAIRED,
    };
    let named = history.loss_names();
    let mut figures: Vec<Figure> = groups
        .iter()
        .map(|group| grouped_losses(history, group, &named))
        .collect();
    let drawn = |name: &&&str| groups.iter().any(|group| group.losses.contains(name));
    let others = named.iter().filter(|name| !drawn(name));
    figures.extend(others.map(|name| Figure {
        chart: Chart {
            title: (*name).to_string(),
            curves: vec![noisy(name, history.loss(name))],
            level: None,
        },
        caption: String::new(),
    }));
    figures.extend(metrics(history));
    figures.push(Figure {
        chart: Chart {
            title: "Learning rate".to_string(),
            curves: vec![Curve {
                name: "lr".to_string(),
                points: history.steps.iter().map(|row| (row.step, row.lr)).collect(),
                noisy: true,
                dashed: false,
            }],
            level: None,
        },
        caption: "Of the generator.".to_string(),
    });
    let rates = history.steps.iter().filter_map(|row| {
        let rate = row.pace?.steps_per_second();
        (rate > 0.0).then_some((row.step, rate))
    });
    figures.push(Figure {
        chart: Chart {
            title: "Steps per second".to_string(),
            curves: vec![noisy("steps/s", rates.collect())],
            level: None,
        },
        caption: "Validations and checkpoints apart.".to_string(),
    });
    figures
}

fn grouped_losses(history: &History, group: &Group, named: &[&str]) -> Figure {
    let wanted = group.losses.iter().filter(|loss| named.contains(loss));
    let curves = wanted.map(|loss| noisy(loss, history.loss(loss)));
    let level = match history.gan_mode() {
        GanMode::Vanilla => "guessing: log 2 = 0.693".to_string(),
        mode => format!("guessing: {}", mode.guessing_loss()),
    };
    Figure {
        chart: Chart {
            title: group.title.to_string(),
            curves: curves.collect(),
            level: group
                .judged
                .then(|| (history.gan_mode().guessing_loss(), level)),
        },
        caption: group.caption.to_string(),
    }
}

fn noisy(name: &str, points: Vec<(u64, f64)>) -> Curve {
    Curve {
        name: name.to_string(),
        points,
        noisy: true,
        dashed: false,
    }
}

/// Output and untouched input over the validations.
fn metrics(history: &History) -> Vec<Figure> {
    let rows = history.comparable_validations();
    let Some(first) = rows.first() else {
        return Vec::new();
    };
    let count = first.evaluation.count;
    let figure = |column: &Column| {
        let curve = |name: &str, metrics: fn(&Evaluation) -> &Metrics, dashed| {
            let point = |row: &&Validation| {
                let value = column.of(metrics(&row.evaluation))?;
                Some((row.step, value)).filter(|_| value.is_finite())
            };
            Curve {
                name: name.to_string(),
                points: rows.iter().filter_map(point).collect(),
                noisy: false,
                dashed,
            }
        };
        let better = match column.better {
            Better::Lower => "Lower",
            Better::Higher => "Higher",
        };
        Figure {
            chart: Chart {
                title: format!("Validation {}", column.title),
                curves: vec![
                    curve("output", |evaluation| &evaluation.output, false),
                    curve("untouched input", |evaluation| &evaluation.input, true),
                ],
                level: None,
            },
            caption: format!("{better} is better. The same {count} validation images each time."),
        }
    };
    COLUMNS.iter().map(figure).collect()
}
