//! `cargo xtask test`: the whole suite on any machine, browser included.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{page, process, tools, wasm, workspace};

/// Installs what is missing, builds the page and runs every test.
pub fn run(lint: bool) -> Result<()> {
    if lint {
        self::lint()?;
    }
    tools::ensure_system_packages()?;
    compile()?;
    page::build()?;
    tools::ensure_node()?;
    tools::ensure_npm_packages()?;
    run_tests()
}

/// Checks format, types, lints and documentation of all sources, and what they depend on.
pub fn lint() -> Result<()> {
    tools::ensure_system_packages()?;
    check_scripts()?;
    check_style()?;
    check_documentation()?;
    check_other_systems()?;
    check_dependencies()
}

const NO_CARGO: &str = "cannot run cargo; install Rust from https://rustup.rs";

fn cargo_test() -> Command {
    let mut cargo = workspace::cargo();
    cargo.args(["test", "--release", "--workspace", "--no-fail-fast"]);
    cargo
}

/// Compiles the tests beside what the page is made of and with, which keeps one core for long.
fn compile() -> Result<()> {
    let mut quietly = cargo_test();
    let mut tests = quietly
        .args(["--no-run", "--quiet"])
        .spawn()
        .context(NO_CARGO)?;
    let page = tools::TRUNK.ensure().and_then(|_| wasm::build(false));
    if page.is_err() {
        tests.kill().context("cannot stop cargo")?;
    }
    // What does not compile is told of where the tests are run.
    tests.wait().context("cannot wait for cargo")?;
    page
}

/// Runs every test, whichever fails, and ends with the names of those that did.
fn run_tests() -> Result<()> {
    let mut tests = cargo_test()
        .stdout(Stdio::piped())
        .spawn()
        .context(NO_CARGO)?;
    let mut failed = Vec::new();
    if let Some(output) = tests.stdout.take() {
        for line in BufReader::new(output).lines() {
            let line = line.context("cargo's output cannot be read")?;
            println!("{line}");
            failed.extend(failed_test(&line).map(str::to_owned));
        }
    }
    let status = tests.wait().context(NO_CARGO)?;
    match (status.success(), failed.is_empty()) {
        (true, _) => Ok(()),
        (false, true) => bail!("cargo test failed ({status}); the reason is above"),
        (false, false) => bail!("these tests failed:\n  {}", failed.join("\n  ")),
    }
}

/// The name of a test that a line of the test runner says has failed.
fn failed_test(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
}

fn check_style() -> Result<()> {
    process::run(
        workspace::cargo().args(["fmt", "--all", "--check"]),
        "Run `cargo fmt --all`.",
    )?;
    let found = process::output(workspace::cargo().args(["clippy", "--version"]));
    if !matches!(found, Ok(Some(_))) {
        eprintln!("note: clippy is not installed; `rustup component add clippy` adds it.");
        return Ok(());
    }
    let wasm = [
        "--target",
        tools::WASM_TARGET,
        "--features",
        "cpu,webgpu,training-webgpu",
    ];
    clippy(&["--workspace", "--all-targets"])?;
    clippy(&["--package", "xtask", "--features", "command"])?;
    clippy(&[&["--package", "web"], wasm.as_slice()].concat())
}

/// Links and examples in the documentation of the crates.
fn check_documentation() -> Result<()> {
    process::run(
        workspace::cargo()
            .args(["doc", "--release", "--workspace", "--no-deps"])
            .env("RUSTDOCFLAGS", "--deny warnings"),
        "Each finding above names its place.",
    )
}

/// Makes whatever archive it is asked for, with nothing in it.
const EMPTY_ARCHIVER: &str = "#!/bin/sh\n\
    for argument; do\n\
      case $argument in\n\
        -out:* | /out:*) : > \"${argument#?out:}\" ;;\n\
        *.a | *.lib) : > \"$argument\" ;;\n\
      esac\n\
    done\n";

/// Types of the trainer for systems of which this one is another. What C there is among its
/// dependencies is not compiled: nothing is linked.
fn check_other_systems() -> Result<()> {
    const TARGETS: [&str; 3] = [
        "aarch64-apple-darwin",
        "x86_64-pc-windows-msvc",
        "aarch64-unknown-linux-gnu",
    ];
    let archiver = workspace::target().join("empty-archiver.sh");
    process::write_script(&archiver, EMPTY_ARCHIVER)?;
    for target in TARGETS {
        tools::ensure_target(target)?;
        let underscored = target.replace('-', "_");
        let mut check = workspace::cargo();
        check.args([
            "check",
            "--release",
            "--package",
            "trainer",
            "--target",
            target,
        ]);
        check.env(format!("CC_{underscored}"), "true");
        check.env(format!("AR_{underscored}"), &archiver);
        process::run(&mut check, "Each error above names its place.")?;
    }
    Ok(())
}

/// Format and types of the JavaScript of the page and of `report.html`.
fn check_scripts() -> Result<()> {
    let node = || -> Result<Command> {
        let mut node = tools::ensure_node()?.command("node");
        node.current_dir(workspace::root());
        Ok(node)
    };
    let prettier = tools::ensure_prettier()?;
    let remedy = format!("Run `node {} --write .`.", prettier.display());
    process::run(node()?.arg(prettier).args(["--check", "."]), &remedy)?;
    let compiler = tools::ensure_npm_packages()?.join("typescript/bin/tsc");
    for project in ["www/tsconfig.json", "www/tsconfig.worker.json"] {
        process::run(
            node()?.arg(&compiler).args(["--project", project]),
            "Each error above names its place.",
        )?;
    }
    Ok(())
}

/// Licences, sources and versions, and known faults where their list can be had.
fn check_dependencies() -> Result<()> {
    let deny = tools::CARGO_DENY.ensure()?;
    let deny = || {
        let mut command = Command::new(&deny);
        command.current_dir(workspace::root());
        command
    };
    process::run(
        deny().args(["check", "bans", "licenses", "sources"]),
        "deny.toml says what is allowed.",
    )?;
    if let Err(error) = process::run(deny().args(["fetch", "db"]), "") {
        eprintln!("note: dependencies were not checked for known faults: {error:#}");
        return Ok(());
    }
    process::run(
        deny().args(["--offline", "check", "advisories"]),
        "Update the crate, or name the advisory and the reason in deny.toml.",
    )
}

fn clippy(what: &[&str]) -> Result<()> {
    process::run(
        workspace::cargo()
            .args(["clippy", "--release"])
            .args(what)
            .args(["--", "--deny", "warnings"]),
        "Each finding above names its place and a remedy.",
    )
}

#[cfg(test)]
mod tests {
    use super::failed_test;

    #[test]
    fn only_lines_about_failures_name_a_failed_test() {
        let failed = failed_test("test config::an_empty_name_is_refused ... FAILED");
        assert_eq!(failed, Some("config::an_empty_name_is_refused"));
        assert_eq!(failed_test("test config::a_name_is_taken ... ok"), None);
        assert_eq!(failed_test("test result: FAILED. 1 passed; 1 failed"), None);
    }
}
