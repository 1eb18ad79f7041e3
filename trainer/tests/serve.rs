//! A model in the browser of this machine, asked for by an HTTP client.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod harness;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use harness::{FAILED, assert_code, assert_names, run, temp, trained};
use serde_json::{Value, json};
use server::page::LATER_FILES;

/// A running `trainer serve`, which ends with this.
struct Serving {
    program: Child,
    /// Such as `127.0.0.1:40123`.
    address: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

const TRAINER: &str = env!("CARGO_BIN_EXE_trainer");

/// Serves the run in `folder` with the page beside it.
fn serve(folder: &Path) -> Serving {
    serve_with(TRAINER.as_ref(), folder, &["--page", "page"])
}

fn serve_with(program: &Path, folder: &Path, page: &[&str]) -> Serving {
    let mut program = Command::new(program)
        .current_dir(folder)
        .args(["serve", "run", "--port", "0", "--no-open"])
        .args(["--format", "json"])
        .args(page)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the trainer starts");
    let mut line = String::new();
    let mut output = BufReader::new(program.stdout.take().expect("a pipe"));
    output.read_line(&mut line).expect("an address");
    let said: Value = serde_json::from_str(&line).expect("JSON");
    let url = said["url"].as_str().expect("a URL");
    let address = url
        .strip_prefix("http://")
        .and_then(|rest| rest.strip_suffix("/?model=local"));
    let address = address.expect("an address that opens the model").to_owned();
    Serving { program, address }
}

/// Head and body of what comes for a path, sent as it is.
fn asked(serving: &Serving, path: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(&serving.address).expect("the server listens");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n");
    let body = answer.split_off(end.expect("a head") + 4);
    (String::from_utf8(answer).expect("text"), body)
}

/// What tells the built page from others, and what is served with it.
fn write_page(folder: &Path) {
    fs::create_dir_all(folder.join("page/models")).expect("a folder");
    for (name, text) in [
        (LATER_FILES, "[]"),
        ("index.html", "<!doctype html>"),
        ("pkg.wasm", "\0asm"),
        ("app.js", "1"),
        (
            "models/index.json",
            r#"{"models": [{"manifest": "a/manifest.json"}]}"#,
        ),
    ] {
        fs::write(folder.join("page").join(name), text).expect("a file");
    }
}

#[test]
fn the_page_that_lies_beside_the_program_as_in_the_archive_is_found() {
    let folder = temp();
    trained(folder.path(), &[]);
    write_page(folder.path());
    let unpacked = temp();
    let program = unpacked.path().join("trainer");
    fs::copy(TRAINER, &program).expect("room for the program");
    fs::rename(folder.path().join("page"), unpacked.path().join("www")).expect("the same disk");
    let serving = serve_with(&program, folder.path(), &[]);
    let (head, body) = asked(&serving, "/app.js");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(body, b"1");
}

#[test]
fn the_page_is_served_with_the_model_and_nothing_else() {
    let folder = temp();
    trained(folder.path(), &[]);
    write_page(folder.path());
    fs::write(folder.path().join("secret"), "secret").expect("a file");
    let serving = serve(folder.path());
    assert!(serving.address.starts_with("127.0.0.1:"));
    for (path, content_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/app.js", "text/javascript; charset=utf-8"),
        ("/pkg.wasm", "application/wasm"),
        ("/models/index.json", "application/json"),
        ("/models/local/manifest.json", "application/json"),
    ] {
        let (head, body) = asked(&serving, path);
        assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
        assert!(
            head.contains(&format!("Content-Type: {content_type}\r\n")),
            "{path}: {head}"
        );
        assert!(head.contains("X-Content-Type-Options: nosniff"), "{head}");
        assert!(
            head.contains("Content-Security-Policy: frame-ancestors 'self'"),
            "{head}"
        );
        assert!(!body.is_empty());
    }
    let (_, index) = asked(&serving, "/models/index.json");
    let index: Value = serde_json::from_slice(&index).expect("JSON");
    assert_eq!(index["models"][0]["manifest"], "local/manifest.json");
    assert_eq!(index["models"][1]["manifest"], "a/manifest.json");
    let (_, manifest) = asked(&serving, "/models/local/manifest.json");
    let written = fs::read(folder.path().join("run/export/manifest.json"));
    assert!(manifest == written.expect("the model's"));
    for path in [
        "/../secret",
        "/models/local/../../secret",
        "/models/local/%2e%2e/%2e%2e/secret",
        "/..%2fsecret",
        "//etc/passwd",
        "/models/local/..\\..\\secret",
        "/gone",
    ] {
        let (head, body) = asked(&serving, path);
        assert!(head.starts_with("HTTP/1.1 404 "), "{path}: {head}");
        assert!(!body.windows(6).any(|part| part == b"secret"), "{path}");
    }
}

#[test]
fn a_model_whose_weights_lie_in_a_folder_of_their_own_is_served_too() {
    let folder = temp();
    trained(folder.path(), &[]);
    write_page(folder.path());
    let model = folder.path().join("run/export");
    let text = fs::read_to_string(model.join("manifest.json")).expect("a manifest");
    let mut manifest: Value = serde_json::from_str(&text).expect("JSON");
    let path = manifest["weights"][0]["path"].as_str().expect("a path");
    let moved = format!("weights/{path}");
    fs::create_dir(model.join("weights")).expect("a folder");
    fs::rename(model.join(path), model.join(&moved)).expect("the same disk");
    manifest["weights"][0]["path"] = json!(moved);
    fs::write(model.join("manifest.json"), manifest.to_string()).expect("room");
    let serving = serve(folder.path());
    for path in ["manifest.json", &moved] {
        let (head, body) = asked(&serving, &format!("/models/local/{path}"));
        assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
        assert!(body == fs::read(model.join(path)).expect("the model's"));
    }
}

#[test]
fn without_page_or_model_it_says_how_to_get_them() {
    let folder = temp();
    let serve = ["serve", "gone", "--no-open", "--port", "0", "--page"];
    let output = run(folder.path(), &[&serve[..], &["nowhere"]].concat());
    assert_code(&output, FAILED);
    assert_names(
        &output,
        &["--page nowhere", "cargo xtask build-web", "release archive"],
    );
    write_page(folder.path());
    let output = run(folder.path(), &[&serve[..], &["page"]].concat());
    assert_code(&output, FAILED);
    assert_names(&output, &["gone"]);
}
