//! The examples of docs/commands.md.

#![cfg(unix)]
#![allow(clippy::expect_used, clippy::panic)]

#[path = "fetch/archives.rs"]
#[allow(dead_code, reason = "each test program uses its part of it")]
mod archives;
#[path = "harness/mod.rs"]
mod harness;
#[path = "fetch/server.rs"]
#[allow(dead_code, reason = "each test program uses its part of it")]
mod server;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use archives::{files, zip};
use server::{Answer, Server};

const PAGE: &str = include_str!("../../docs/commands.md");

#[test]
fn the_examples_of_the_command_page_run_and_make_their_files() {
    let home = harness::temp();
    let archive = Server::start("/a.zip", vec![Answer::with(&zip(&files("", 1)))]);
    write_page(home.path());
    for line in examples() {
        match line.split(' ').nth(1) {
            Some("serve") => serve(home.path(), line),
            // From this machine, not from the data set's own server.
            _ if line.starts_with("trainer data fetch") => {
                run(home.path(), &format!("{line} --url {}", archive.url));
            }
            _ => run(home.path(), line),
        }
    }
    for made in [
        "sheet.png",
        "datasets/facades/train/1.jpg",
        "samples/train/000003.png",
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

#[test]
fn every_command_has_a_section_and_every_command_in_a_command_an_example() {
    let commands = commands(&[]);
    assert!(commands.len() > 15, "only {commands:?}");
    for command in commands {
        let words = command.join(" ");
        let section = format!("\n## {}\n", command[0]);
        assert!(PAGE.contains(&section), "no section on {}", command[0]);
        let example = format!("trainer {words}");
        let is_shown = examples().any(|line| {
            let rest = line.strip_prefix(&example);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        });
        assert!(is_shown, "docs/commands.md has no example of {words}");
    }
}

#[test]
fn the_command_page_names_no_command_that_does_not_exist() {
    let commands = commands(&[]);
    let groups: Vec<&String> = commands
        .iter()
        .filter(|words| words.len() > 1)
        .map(|words| &words[0])
        .collect();
    for code in PAGE.split('`').skip(1).step_by(2) {
        let words: Vec<&str> = code.split_whitespace().collect();
        let [first, second, ..] = words[..] else {
            continue;
        };
        if groups.iter().any(|group| *group == first) {
            let is_there = commands
                .iter()
                .any(|command| command[..] == [first, second]);
            assert!(is_there, "there is no `{first} {second}`");
        }
    }
}

/// The lines of the page that a shell runs.
fn examples() -> impl Iterator<Item = &'static str> {
    let blocks = PAGE.split("```sh\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split("```").next());
    blocks.flat_map(str::lines)
}

fn shell(home: &Path, line: &str) -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_trainer"));
    let folders = env::var_os("PATH").unwrap_or_default();
    let own = program.parent().map(Path::to_path_buf);
    let folders = own.into_iter().chain(env::split_paths(&folders));
    let path: OsString = env::join_paths(folders).expect("a search path");
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir(home).env("PATH", path);
    for proxy in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        shell.env_remove(proxy);
    }
    shell
}

fn run(home: &Path, line: &str) {
    let output = shell(home, line).output().expect("a shell");
    assert!(
        output.status.success(),
        "{line}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A page to serve, as far as it has to be there.
fn write_page(home: &Path) {
    let page = home.join("page");
    fs::create_dir_all(page.join("models")).expect("a folder");
    for (name, text) in [
        ("later-files.json", "[]"),
        ("index.html", "<!doctype html>"),
        ("models/index.json", r#"{"models": []}"#),
    ] {
        fs::write(page.join(name), text).expect("a file");
    }
}

/// Runs an example that serves until it is ended, and asks it for the model.
fn serve(home: &Path, line: &str) {
    let line = format!("exec {line} --port 0 --no-open --page page");
    let mut program = shell(home, &line)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut address = String::new();
    let mut output = BufReader::new(program.stdout.take().expect("a pipe"));
    output.read_line(&mut address).expect("an address");
    let answer = asked(address.trim(), "/models/local/manifest.json");
    program.kill().expect("it runs");
    program.wait().expect("it has ended");
    assert!(answer.contains("\"format\": \"pix2pix\""), "{answer}");
}

/// What comes for a path of the server that `url` names.
fn asked(url: &str, path: &str) -> String {
    let address = url
        .strip_prefix("http://")
        .and_then(|rest| rest.split('/').next());
    let mut stream = TcpStream::connect(address.expect("an address")).expect("it listens");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// The words of all commands below some words, from what `-h` lists.
fn commands(above: &[String]) -> Vec<Vec<String>> {
    let mut words: Vec<&str> = above.iter().map(String::as_str).collect();
    words.push("-h");
    let help = harness::stdout(&harness::done(Path::new("."), &words));
    let listed = help.split("Commands:\n").nth(1).unwrap_or_default();
    let listed = listed.lines().take_while(|line| !line.is_empty());
    let names = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names = names.filter(|name| !name.is_empty() && *name != "help");
    let mut found = Vec::new();
    for name in names {
        let command = [above, &[name.to_owned()]].concat();
        found.extend(match commands(&command) {
            inner if inner.is_empty() => vec![command],
            inner => inner,
        });
    }
    found
}
