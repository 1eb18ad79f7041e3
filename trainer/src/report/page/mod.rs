//! `report.html`: a run on one page that needs nothing but itself. What is said and what is drawn
//! is decided in `reading` and `figures`; here it becomes HTML.

mod figures;

use std::fmt::Write;

use serde_json::Value;

use super::history::History;
use super::images::{Image, Images};
use super::reading::{self, Finding, Verdict};
use crate::evaluate::metrics::{COLUMNS, Column, Metrics};
use crate::system::printable::html_escaped;
use figures::{Figure, figures};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The whole page.
pub(super) fn page(history: &History, images: &mut Images) -> String {
    let name = history.config["name"].as_str().unwrap_or("training run");
    let name = html_escaped(name);
    let sections = [
        header(history, &name),
        findings(&reading::read(history)),
        warnings(history),
        samples(history, &images.chosen(&history.samples)),
        curves(history),
        validation(history),
        facts(history),
        settings(history),
    ];
    let sections = sections.concat();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light \
         dark\">\n<title>{name}: training report</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <main>\n{sections}</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n"
    )
}

/// Sentences whose flags are not broken over lines.
fn prose(text: &str) -> String {
    let words = text.split(' ').map(|word| match word.starts_with("--") {
        true => format!("<code>{}</code>", html_escaped(word)),
        false => html_escaped(word),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn header(history: &History, name: &str) -> String {
    let planned = history.planned_steps().unwrap_or(0);
    let step = history.finished.map_or(history.step(), |end| end.step);
    let state = match history.finished {
        Some(end) if end.interrupted => "interrupted",
        Some(_) => "finished",
        // Older runs do not say it.
        None if planned > 0 && step >= planned => "finished",
        None => "not finished",
    };
    let model = match history.is_cyclegan() {
        true => "CycleGAN",
        false => "pix2pix",
    };
    let net_g = html_escaped(&plain(&history.config["net_g"]));
    format!(
        "<header>\n<h1>{name}</h1>\n<p>{model}, {net_g} · <strong>{state}</strong> at step {} of \
         {}</p>\n<progress value=\"{step}\" max=\"{}\" aria-label=\"Steps made\"></progress>\n\
         </header>\n",
        grouped(step),
        grouped(planned),
        planned.max(1)
    )
}

fn findings(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return section(
            "Reading",
            "<p>Too few steps were made to say anything yet.</p>",
        );
    }
    let mut cards = String::from("<ul class=\"findings\">\n");
    for finding in findings {
        let (class, word) = match finding.verdict {
            Verdict::Good => ("good", "fine"),
            Verdict::Note => ("note", "note"),
            Verdict::Bad => ("bad", "act"),
        };
        let _ = writeln!(
            cards,
            "<li class=\"{class}\"><h3>{}<span>{word}</span></h3><p>{}</p></li>",
            html_escaped(&finding.question),
            prose(&finding.answer)
        );
    }
    cards.push_str("</ul>\n");
    section("Reading", &cards)
}

fn warnings(history: &History) -> String {
    if history.warnings.is_empty() {
        return String::new();
    }
    let mut list = String::from("<ol class=\"warnings\">\n");
    for (step, message) in &history.warnings {
        let (step, message) = (grouped(*step), prose(message));
        let _ = writeln!(list, "<li><b>Step {step}</b> {message}</li>");
    }
    list.push_str("</ol>\n");
    section("Warnings", &list)
}

fn samples(history: &History, images: &[(u64, Image)]) -> String {
    let Some((last, _)) = images.last() else {
        return String::new();
    };
    let columns = match history.is_cyclegan() {
        true => "real_A, fake_B, rec_A, idt_B | real_B, fake_A, rec_B, idt_A",
        false => "input | output | target",
    };
    let mut figure = format!(
        "<figure class=\"samples\">\n<div class=\"slider\"><label for=\"step\">Step <output \
         id=\"shown\">{}</output></label>\n<input id=\"step\" type=\"range\" min=\"0\" max=\"{}\" \
         value=\"{}\" step=\"1\"></div>\n<div class=\"grids\">\n",
        grouped(*last),
        images.len() - 1,
        images.len() - 1
    );
    for (index, (step, image)) in images.iter().enumerate() {
        let hidden = if index + 1 < images.len() {
            " hidden"
        } else {
            ""
        };
        let step = grouped(*step);
        let _ = writeln!(
            figure,
            "<img{hidden} data-step=\"{step}\" width=\"{}\" height=\"{}\" alt=\"Samples at step \
             {step}\" src=\"{}\">",
            image.width, image.height, image.uri
        );
    }
    let _ = write!(
        figure,
        "</div>\n<figcaption>The same validation images each time: {columns}</figcaption>\n\
         </figure>\n"
    );
    section("Samples over time", &figure)
}

fn curves(history: &History) -> String {
    let drawn = figures(history);
    let drawn: String = drawn.iter().filter_map(drawing).collect();
    match drawn.is_empty() {
        true => String::new(),
        false => section(
            "Curves",
            &format!("<div class=\"charts\">\n{drawn}</div>\n"),
        ),
    }
}

fn drawing(figure: &Figure) -> Option<String> {
    let svg = figure.chart.svg()?;
    let mut legend = String::new();
    if figure.chart.curves.len() > 1 || figure.chart.level.is_some() {
        legend.push_str("<p class=\"legend\">");
        for (index, curve) in figure.chart.curves.iter().enumerate() {
            let dashed = if curve.dashed { " dashed" } else { "" };
            let name = html_escaped(&curve.name);
            let _ = write!(
                legend,
                "<span class=\"curve-{}{dashed}\">{name}</span> ",
                index % 4
            );
        }
        if let Some((_, name)) = &figure.chart.level {
            let _ = write!(
                legend,
                "<span class=\"level dashed\">{}</span>",
                html_escaped(name)
            );
        }
        legend.push_str("</p>\n");
    }
    Some(format!(
        "<figure>\n<h3>{}</h3>\n{legend}{svg}\n<figcaption>{}</figcaption>\n</figure>\n",
        html_escaped(&figure.chart.title),
        html_escaped(&figure.caption)
    ))
}

fn validation(history: &History) -> String {
    let Some((step, evaluation)) = history.last_evaluation() else {
        return String::new();
    };
    let both = [&evaluation.output, &evaluation.input];
    let measured = |column: &&Column| both.iter().any(|metrics| column.of(metrics).is_some());
    let columns: Vec<&Column> = COLUMNS.iter().filter(measured).collect();
    let heads = columns
        .iter()
        .map(|column| format!("<th>{}</th>", column.title));
    let row = |name: &str, metrics: &Metrics| {
        let cells = columns
            .iter()
            .map(|column| format!("<td>{}</td>", column.text(metrics)));
        let cells = cells.collect::<String>();
        format!("<tr><th scope=\"row\">{name}</th>{cells}</tr>\n")
    };
    let table = format!(
        "<div class=\"scroll\"><table class=\"numbers\">\n<caption>{} validation images at step {}. \
         Lower L1 and higher PSNR and SSIM are better.</caption>\n<thead><tr><td></td>{}</tr></thead>\n\
         <tbody>\n{}{}</tbody></table></div>\n",
        evaluation.count,
        grouped(step),
        heads.collect::<String>(),
        row("Untouched input", &evaluation.input),
        row("Output", &evaluation.output),
    );
    section("Latest validation", &table)
}

/// Data set, device and speed.
fn facts(history: &History) -> String {
    let mut rows: Vec<(&str, String)> = Vec::new();
    let data = &history.config["data"];
    let folders: Vec<String> = ["data", "a", "b", "photos"]
        .iter()
        .filter_map(|key| data[*key].as_str())
        .map(str::to_string)
        .collect();
    let drawn = "façades that the program draws".to_string();
    let folders = if folders.is_empty() {
        drawn
    } else {
        folders.join(" and ")
    };
    rows.push(("Images", folders));
    if let Some(task) = data["task"].as_str() {
        rows.push(("Task", task.to_string()));
    }
    if let Some(direction) = data["direction"].as_str() {
        rows.push(("Direction", direction.to_string()));
    }
    if let Some(started) = &history.started {
        let of = if history.is_cyclegan() {
            "images"
        } else {
            "pairs"
        };
        rows.push((
            "Data set",
            format!(
                "{} {of} to train on, {} to validate",
                grouped(started.train_pairs as u64),
                grouped(started.validation_pairs as u64)
            ),
        ));
        rows.push(("Device", started.device.clone()));
        rows.push(("Trainer", started.version.clone()));
    }
    let pace = history.total_pace();
    if pace.seconds > 0.0 {
        let batch = history.config["batch"].as_f64().unwrap_or(1.0);
        let rate = pace.steps_per_second();
        let waiting = 100.0 * pace.data_seconds / pace.seconds;
        rows.push((
            "Speed",
            format!(
                "{rate:.2} steps/s, {:.2} samples/s; {waiting:.0}% of the time went into waiting for \
                 images",
                rate * batch
            ),
        ));
        let seconds = std::time::Duration::from_secs_f64(pace.seconds);
        let time = indicatif::HumanDuration(seconds).to_string();
        rows.push(("Time in steps", time));
    }
    section("Data set, device, speed", &table(rows.into_iter()))
}

fn settings(history: &History) -> String {
    let mut rows = Vec::new();
    flattened(&mut rows, "", &history.config);
    let rows = table(
        rows.iter()
            .map(|(key, value)| (key.as_str(), value.clone())),
    );
    let details = format!("<details>\n<summary>config.json</summary>\n{rows}</details>\n");
    section("Settings", &details)
}

/// Leaves of an object with the way to them.
fn flattened(rows: &mut Vec<(String, String)>, path: &str, value: &Value) {
    let Some(fields) = value.as_object() else {
        rows.push((path.to_string(), plain(value)));
        return;
    };
    for (key, value) in fields {
        let path = match path {
            "" => key.clone(),
            path => format!("{path}.{key}"),
        };
        flattened(rows, &path, value);
    }
}

fn table<'a>(rows: impl Iterator<Item = (&'a str, String)>) -> String {
    let rows = rows.map(|(name, value)| {
        let (name, value) = (html_escaped(name), html_escaped(&value));
        format!("<tr><th scope=\"row\">{name}</th><td>{value}</td></tr>\n")
    });
    format!(
        "<table>\n<tbody>\n{}</tbody></table>\n",
        rows.collect::<String>()
    )
}

fn section(title: &str, content: &str) -> String {
    format!("<section>\n<h2>{title}</h2>\n{content}</section>\n")
}

/// A value without quotes; `null` as a dash.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_string(),
        other => other.to_string(),
    }
}

/// 1234567 as 1,234,567.
fn grouped(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::metrics::Evaluation;
    use crate::run_folder::metrics_log::Validation;

    #[test]
    fn multi_scale_ssim_is_in_the_table_and_the_curves_where_it_was_measured() {
        let page_of = |ms_ssim| {
            let at = |step| Validation {
                step,
                evaluation: Evaluation {
                    count: 2,
                    output: Metrics {
                        ms_ssim,
                        ..Metrics::default()
                    },
                    input: Metrics::default(),
                },
                outputs: Vec::new(),
            };
            let history = History {
                validations: vec![at(1), at(2)],
                ..History::default()
            };
            page(&history, &mut Images::default())
        };
        let (with, without) = (page_of(Some(0.7531)), page_of(None));
        for part in ["<th>MS-SSIM</th>", "<td>0.7531</td><", "Validation MS-SSIM"] {
            assert!(with.contains(part), "{part}");
            assert!(!without.contains(part), "{part}");
        }
    }
}
