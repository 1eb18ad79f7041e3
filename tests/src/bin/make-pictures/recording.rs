//! What a session on the terminal shows, as an SVG that plays it.

use std::io::{BufRead, BufReader};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use tests::trainer;

/// What is typed, and what the program gets.
#[rustfmt::skip]
const COMMANDS: [(&str, &[&str]); 2] = [
    (
        "trainer train --steps 200 --base 8 --sample-every 100 --checkpoint-every 100",
        &[
            "train", "--steps", "200", "--base", "8", "--sample-every", "100",
            "--checkpoint-every", "100", "--device", "cpu", "--run", "runs/demo",
        ],
    ),
    (
        "trainer translate --model runs/demo labels.png --output facade.png",
        &[
            "translate", "--model", "runs/demo", "labels.png", "--output", "facade.png",
            "--device", "cpu",
        ],
    ),
];
/// Seconds in which the whole session is played.
const PLAYED: f64 = 12.0;
const COLUMNS: usize = 112;
const LINE: usize = 18;
const MARGIN: usize = 16;
/// Width of a letter of 13 pixels.
const LETTER: f64 = 7.8;

/// A line of the session, and the seconds after which it appeared.
struct Shown {
    at: f64,
    text: String,
    typed: bool,
}

/// Runs the commands and draws what they print.
pub fn terminal() -> Result<String> {
    let folder = tempfile::tempdir()?;
    trainer::run([
        "data".as_ref(),
        "demo".as_ref(),
        folder.path().join("facades").as_os_str(),
        "--count".as_ref(),
        "1".as_ref(),
    ])?;
    let pair = image::open(folder.path().join("facades/val/0000.png"))?;
    pair.crop_imm(0, 0, pair.width() / 2, pair.height())
        .save(folder.path().join("labels.png"))?;
    let mut lines = Vec::new();
    let begun = Instant::now();
    for (typed, words) in COMMANDS {
        let at = begun.elapsed().as_secs_f64();
        lines.push(Shown {
            at,
            text: format!("$ {typed}"),
            typed: true,
        });
        run(words, folder.path(), |text| {
            let at = begun.elapsed().as_secs_f64();
            lines.push(Shown {
                at,
                text,
                typed: false,
            });
        })?;
    }
    Ok(svg(&lines, begun.elapsed().as_secs_f64()))
}

/// Runs the trainer under its own name, and hands on each line that it prints.
fn run(words: &[&str], folder: &std::path::Path, mut line: impl FnMut(String)) -> Result<()> {
    let (reader, writer) = std::io::pipe()?;
    let mut command = Command::new(trainer::program()?);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::arg0(&mut command, "trainer");
    command.args(words).current_dir(folder);
    command.stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn().context("cannot start the trainer")?;
    drop(command); // holds the pipe's other end
    for text in BufReader::new(reader).lines() {
        line(text?);
    }
    let status = child.wait()?;
    ensure!(
        status.success(),
        "trainer {} failed ({status})",
        words.join(" ")
    );
    Ok(())
}

/// Lines are hidden until their time has come; who wants no motion, or cannot play it, sees all.
fn svg(lines: &[Shown], took: f64) -> String {
    let width = (COLUMNS as f64 * LETTER) as usize + 2 * MARGIN;
    let height = lines.len() * LINE + 2 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
         <title>A training and a translation on the terminal</title>\n\
         <style>\n\
         text {{ font: 13px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; \
         fill: #c9cacc; white-space: pre; }}\n\
         .typed {{ fill: #8c9dff; }}\n\
         @media (prefers-reduced-motion: no-preference) {{ text {{ animation-name: hidden; }} }}\n\
         @keyframes hidden {{ from, to {{ opacity: 0; }} }}\n\
         </style>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#151617\"/>\n"
    );
    for (number, Shown { at, text, typed }) in lines.iter().enumerate() {
        let class = if *typed { " class=\"typed\"" } else { "" };
        let y = MARGIN + LINE * number + LINE * 3 / 4;
        let after = PLAYED * at / took;
        svg += &format!(
            "<text x=\"{MARGIN}\" y=\"{y}\"{class} style=\"animation-duration: {after:.1}s\">{}</text>\n",
            escaped(text)
        );
    }
    svg + "</svg>\n"
}

/// At most a line of it, as XML.
fn escaped(text: &str) -> String {
    let line: String = match text.chars().count() > COLUMNS {
        true => text.chars().take(COLUMNS - 1).chain(['…']).collect(),
        false => text.to_owned(),
    };
    line.replace('&', "&amp;").replace('<', "&lt;")
}
