//! `cargo xtask bench`: speed and sizes, as a Markdown table.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use serde_json::Value;

use crate::{page, peers, programs, tools, wasm, workspace};

/// Measures the native program, the browser and the size of the page; with `compare`, PyTorch,
/// onnxruntime and onnxruntime-web beside them.
pub fn run(compare: bool) -> Result<()> {
    tools::ensure_system_packages()?;
    let dist = page::build()?;
    let folder = peers::folder().display().to_string();
    let (measured_peers, arguments) = match compare {
        true => {
            peers::ensure()?;
            (peers::measure()?, vec!["--peers", &folder])
        }
        false => (Vec::new(), Vec::new()),
    };
    let native = program_json("trainer", &["bench", "--device", "cpu"])?;
    let browser = program_json("bench-browser", &arguments)?;
    let training = program_json("bench-training", &arguments)?;
    if let Some(row) = native.first() {
        let word = row["instructions"].as_str().unwrap_or("unknown");
        println!("Native figures with the vector instructions {word}.\n");
    }
    println!("{}", speed_table(&native, &browser));
    println!("{}", floor_table(&native, &browser));
    println!("{}", training_table(&training));
    let scaling = ["bench", "--device=cpu", "--base=16", "--forward"];
    let by_size = program_json(
        "trainer",
        &[&scaling[..], &["--size=256,512,1024,2048"]].concat(),
    )?;
    let by_batch = program_json("trainer", &[&scaling[..], &["--batch=1,2,4,8,16"]].concat())?;
    println!("{}", scaling_table(&by_size, &by_batch));
    if compare {
        println!("{}", peers::tables(&native, &browser, &measured_peers));
    }
    println!("{}", size_table(&dist)?);
    Ok(())
}

/// Builds a program of this workspace and returns the JSON lines that it prints.
fn program_json(name: &str, arguments: &[&str]) -> Result<Vec<Value>> {
    let mut program = Command::new(workspace::program(name)?);
    programs::json_lines(program.current_dir(workspace::root()).args(arguments))
}

/// One row for each base width, in milliseconds.
fn speed_table(native: &[Value], browser: &[Value]) -> String {
    let mut rows: BTreeMap<u64, [Option<f64>; 4]> = BTreeMap::new();
    for row in native {
        let cells = rows.entry(row["base"].as_u64().unwrap_or(0)).or_default();
        cells[0] = row["forward_ms"].as_f64();
        cells[1] = row["step_ms"].as_f64();
    }
    let mut adapter = "none";
    for row in browser.iter().filter(|row| row["side"] == 256) {
        let cells = rows.entry(row["base"].as_u64().unwrap_or(0)).or_default();
        let column = match row["backend"].as_str() {
            Some("cpu") => 2,
            Some("webgpu") => 3,
            _ => continue,
        };
        cells[column] = row["milliseconds"].as_f64();
        adapter = row["adapter"].as_str().unwrap_or(adapter);
    }
    let mut table = format!(
        "| base | native CPU, forward | native CPU, training step | browser CPU, one worker | \
         browser WebGPU ({adapter}) |\n|---:|---:|---:|---:|---:|\n"
    );
    for (base, cells) in rows {
        let cells = cells.map(|cell| cell.map_or("–".to_owned(), |ms| format!("{ms:.0} ms")));
        table.push_str(&format!("| {base} | {} |\n", cells.join(" | ")));
    }
    table
}

/// What the multiplications alone would take, beside what was measured.
fn floor_table(native: &[Value], browser: &[Value]) -> String {
    let mut table = "| base | what | multiplications | at least | measured | measured / least |\n\
                     |---:|---|---:|---:|---:|---:|\n"
        .to_owned();
    for row in native {
        let base = &row["base"];
        let one_worker = browser.iter().find(|other| {
            other["base"] == *base
                && other["backend"] == "cpu"
                && other["side"] == 256
                && other["workers"] == 1
        });
        let forward = row["multiply_adds"]["forward"].as_f64();
        let step = row["multiply_adds"]["step"].as_f64();
        // WebAssembly's vectors are shorter than those that the thread was measured with.
        let longer = match row["instructions"].as_str() {
            Some("avx512") => 4.0,
            Some("avx2") => 2.0,
            _ => 1.0,
        };
        let rate = row["limits"]["thread_gflops"]
            .as_f64()
            .map(|gflops| gflops / longer);
        let in_browser = forward
            .zip(rate)
            .map(|(count, rate)| 2.0 * count / rate / 1e6);
        let rows = [
            (
                "native forward",
                forward,
                row["limits"]["forward_floor_ms"].as_f64(),
                row["forward_ms"].as_f64(),
            ),
            (
                "native training step",
                step,
                row["limits"]["step_floor_ms"].as_f64(),
                row["step_ms"].as_f64(),
            ),
            (
                "browser CPU, one worker",
                forward,
                in_browser,
                one_worker.and_then(|row| row["milliseconds"].as_f64()),
            ),
        ];
        for (what, count, least, measured) in rows {
            if let (Some(count), Some(least), Some(measured)) = (count, least, measured) {
                table += &format!(
                    "| {base} | {what} | {:.2} × 10⁹ | {least:.1} ms | {measured:.0} ms | {:.1} |\n",
                    count / 1e9,
                    measured / least
                );
            }
        }
    }
    if let Some(row) = native.first() {
        let number = |name: &str| row["limits"][name].as_f64().unwrap_or(f64::NAN);
        table += &format!(
            "\nOne thread {:.0} GFLOP/s, all {:.0}; they read {:.0} GB/s.\n",
            number("thread_gflops"),
            number("gflops"),
            number("read_gb_s")
        );
    }
    table
}

/// Training in the browser: a step of batch 1 by one worker, of batch 2 by two, and a peer's of batch 1.
fn training_table(rows: &[Value]) -> String {
    let mut table =
        "| base | picture | one worker | two workers, 2 pairs | pairs a second | TensorFlow.js |\n\
                     |---:|---:|---:|---:|---:|---:|\n"
            .to_owned();
    for row in rows
        .iter()
        .filter(|row| row["workers"] == 1 && row["who"] == "pix2pix")
    {
        let of = |who: &str, workers: u64| {
            let mut alike = rows
                .iter()
                .filter(|other| ["base", "side"].iter().all(|key| other[*key] == row[*key]));
            let found = alike.find(|other| other["who"] == who && other["workers"] == workers);
            found.and_then(|found| found["step_ms"].as_f64())
        };
        let one = of("pix2pix", 1).unwrap_or(f64::NAN);
        let two = of("pix2pix", 2).unwrap_or(f64::NAN);
        let peer = of("TensorFlow.js", 1).map_or_else(String::new, |peer| format!("{peer:.0} ms"));
        table.push_str(&format!(
            "| {0} | {1} × {1} | {one:.1} ms | {two:.1} ms | {2:.2} × | {peer} |\n",
            row["base"],
            row["side"],
            2.0 * one / two,
        ));
    }
    table
}

/// How the cost of a forward pass grows: milliseconds for each 256 × 256 pixels.
fn scaling_table(by_size: &[Value], by_batch: &[Value]) -> String {
    let mut table = "| picture | batch | forward | for each 256 × 256 | peak memory |\n\
                     |---:|---:|---:|---:|---:|\n"
        .to_owned();
    for row in by_size.iter().chain(by_batch) {
        let number = |name: &str| row[name].as_f64().unwrap_or(f64::NAN);
        let (size, batch, ms) = (number("size"), number("batch"), number("forward_ms"));
        let unit = ms / (size / 256.0).powi(2) / batch;
        let memory = row["peak_rss_mb"]["forward"].as_f64().unwrap_or(f64::NAN);
        table.push_str(&format!(
            "| {size} × {size} | {batch} | {ms:.0} ms | {unit:.1} ms | {memory:.0} MB |\n"
        ));
    }
    table
}

fn size_table(dist: &Path) -> Result<String> {
    let mut table = "| part | bytes | with gzip |\n|---|---:|---:|\n".to_owned();
    for size in wasm::sizes()? {
        let (name, raw, gzip) = (size.module, size.raw, size.gzip);
        table.push_str(&format!("| wasm, {name} | {raw} | {gzip} |\n"));
    }
    let (raw, gzip) = page_sizes(dist)?;
    table.push_str(&format!(
        "| page without wasm, models and book | {raw} | {gzip} |\n"
    ));
    Ok(table)
}

/// The bytes of everything in the page but its modules' code, its models and the book.
fn page_sizes(folder: &Path) -> Result<(u64, u64)> {
    let mut sum = (0, 0);
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_other = path.ends_with("dist/models") || path.ends_with("dist/book");
        let is_wasm = path
            .extension()
            .is_some_and(|extension| extension == "wasm");
        if is_other || is_wasm {
            continue;
        }
        let (raw, gzip) = if path.is_dir() {
            page_sizes(&path)?
        } else {
            wasm::file_sizes(&path)?
        };
        sum = (sum.0 + raw, sum.1 + gzip);
    }
    Ok(sum)
}
