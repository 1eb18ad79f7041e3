//! The examples of docs/commands.md.

#![cfg(unix)]
#![allow(clippy::expect_used, clippy::panic)]

#[path = "harness/mod.rs"]
mod harness;

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

const PAGE: &str = include_str!("../../docs/commands.md");

#[test]
fn the_examples_of_the_command_page_run_and_make_their_files_and_every_command_has_a_section() {
    let home = harness::temp();
    let program = Path::new(env!("CARGO_BIN_EXE_trainer"));
    let folders = env::var_os("PATH").unwrap_or_default();
    let folders = program
        .parent()
        .map(Path::to_path_buf)
        .into_iter()
        .chain(env::split_paths(&folders));
    let path = env::join_paths(folders).expect("a search path");
    let blocks = PAGE.split("```sh\n").skip(1);
    let lines = blocks
        .filter_map(|block| block.split("```").next())
        .flat_map(str::lines);
    let lines: Vec<_> = lines.collect();
    for line in &lines {
        let output = Command::new("sh")
            .args(["-c", line])
            .current_dir(home.path())
            .env("PATH", &path)
            .output()
            .expect("a shell");
        assert!(
            output.status.success(),
            "{line}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    for command in commands() {
        let has_section = PAGE.contains(&format!("\n## {command}\n"));
        assert!(has_section, "docs/commands.md has no section on {command}");
    }
    for made in [
        "sheet.png",
        "runs/small/report.html",
        "metrics.csv",
        "translated.png",
        "translated/index.html",
        "model/manifest.json",
        "small.pth",
        "small.onnx",
        "from-pytorch/manifest.json",
        "trainer.bash",
    ] {
        let length = fs::metadata(home.path().join(made)).map_or(0, |it| it.len());
        assert!(length > 0, "no example makes {made}");
    }
}

/// The names that `trainer --help` lists.
fn commands() -> Vec<String> {
    let help = harness::done(Path::new("."), &["-h"]);
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let listed = help
        .split("Commands:\n")
        .nth(1)
        .expect("a list of commands");
    let listed = listed.lines().take_while(|line| !line.is_empty());
    let names = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names
        .filter(|name| !name.is_empty() && *name != "help")
        .map(str::to_owned)
        .collect()
}
