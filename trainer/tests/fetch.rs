//! `trainer data fetch` and `trainer recipes` as people use them, against a server on this
//! machine that cuts, refuses and changes as the test says.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead, BufReader, Cursor, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const DONE: i32 = 0;
const FAILED: i32 = 1;
const WRONG_USAGE: i32 = 2;

// ---- the server ----

/// What the server does with one request.
#[derive(Clone)]
struct Answer {
    status: &'static str,
    content_type: &'static str,
    content: Arc<Vec<u8>>,
    etag: Option<&'static str>,
    honours_ranges: bool,
    /// Bytes of the body after which the connection ends.
    cut_after: Option<usize>,
    /// Whether the connection stays open there, silent.
    stalls: bool,
    /// Whether the body comes slowly.
    slow: bool,
}

impl Answer {
    fn with(content: &[u8]) -> Self {
        Self {
            status: "200 OK",
            content_type: "application/octet-stream",
            content: Arc::new(content.to_vec()),
            etag: Some("\"one\""),
            honours_ranges: true,
            cut_after: None,
            stalls: false,
            slow: false,
        }
    }

    fn cut_after(self, bytes: usize) -> Self {
        Self {
            cut_after: Some(bytes),
            ..self
        }
    }
}

/// A request as the server saw it, and how much of the body it sent.
#[derive(Clone, Debug, Default)]
struct Seen {
    range: Option<String>,
    if_range: Option<String>,
    sent: usize,
}

struct Server {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Answers the first request with the first answer and so on; the last one is repeated.
    fn start(path: &str, answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        thread::spawn(move || {
            for (index, stream) in listener.incoming().enumerate() {
                let answer = answers[index.min(answers.len() - 1)].clone();
                let log = Arc::clone(&log);
                // A client that goes away is no failure of the server.
                thread::spawn(move || stream.and_then(|stream| serve(stream, &answer, &log)));
            }
        });
        Self {
            url: format!("http://{address}{path}"),
            seen,
        }
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("the log").clone()
    }

    fn sent(&self) -> usize {
        self.seen().iter().map(|seen| seen.sent).sum()
    }
}

fn serve(mut stream: TcpStream, answer: &Answer, log: &Mutex<Vec<Seen>>) -> std::io::Result<()> {
    let mut seen = Seen::default();
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    while let Some(line) = lines.next().transpose()?.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap_or((&line, ""));
        match name.to_ascii_lowercase().as_str() {
            "range" => seen.range = Some(value.to_string()),
            "if-range" => seen.if_range = Some(value.to_string()),
            _ => {}
        }
    }
    let index = {
        let mut log = log.lock().expect("the log");
        log.push(seen.clone());
        log.len() - 1
    };
    let same_version = seen.if_range.is_none() || seen.if_range.as_deref() == answer.etag;
    let wanted = seen.range.as_deref().and_then(|range| {
        let start = range.strip_prefix("bytes=")?.strip_suffix('-')?;
        start.parse::<usize>().ok()
    });
    let total = answer.content.len();
    let start = wanted.filter(|_| answer.honours_ranges && same_version);
    let status = start.map_or(answer.status, |_| "206 Partial Content");
    let body = &answer.content[start.unwrap_or(0)..];
    let mut head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n",
        answer.content_type,
        body.len()
    );
    if let Some(etag) = answer.etag {
        head += &format!("ETag: {etag}\r\n");
    }
    if let Some(start) = start {
        head += &format!("Content-Range: bytes {start}-{}/{total}\r\n", total - 1);
    }
    stream.write_all((head + "\r\n").as_bytes())?;
    let body = &body[..answer.cut_after.unwrap_or(body.len()).min(body.len())];
    for chunk in body.chunks(if answer.slow { 512 } else { 1 << 16 }) {
        stream.write_all(chunk)?;
        log.lock().expect("the log")[index].sent += chunk.len();
        if answer.slow {
            thread::sleep(Duration::from_millis(20));
        }
    }
    if answer.stalls {
        stream.read_to_end(&mut Vec::new())?;
    }
    stream.shutdown(Shutdown::Write)
}

// ---- archives ----

/// Bytes that do not shrink, so that an archive can be cut in the middle.
fn noise(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 11) as u8
    };
    (0..length).map(|_| next()).collect()
}

fn files(top: &str, seed: u32) -> Vec<(String, Vec<u8>)> {
    let file = |name: &str, length, seed| (format!("{top}{name}"), noise(length, seed));
    vec![
        file("train/1.jpg", 90_000, seed),
        file("train/2.jpg", 50_000, seed + 1),
        file("val/1.jpg", 1_000, seed + 2),
    ]
}

fn tar(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        let content = content.as_slice();
        builder
            .append_data(&mut header, name, content)
            .expect("an entry");
    }
    builder.into_inner().expect("a tar")
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("room");
    encoder.finish().expect("a gz")
}

fn zip(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        let options = SimpleFileOptions::default();
        writer.start_file(name.as_str(), options).expect("an entry");
        writer.write_all(content).expect("room");
    }
    writer.finish().expect("a zip").into_inner()
}

/// A tar with an honest file and an entry that the library would refuse to write.
fn hostile_tar(name: &str, kind: tar::EntryType, link: &str) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut honest = tar::Header::new_gnu();
    honest.set_size(2);
    honest.set_mode(0o644);
    builder
        .append_data(&mut honest, "set/fine.txt", &b"ok"[..])
        .expect("an entry");
    let mut header = tar::Header::new_gnu();
    let gnu = header.as_gnu_mut().expect("a GNU header");
    gnu.name[..name.len()].copy_from_slice(name.as_bytes());
    gnu.linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    let content = if link.is_empty() { &b"evil"[..] } else { &[] };
    header.set_size(content.len() as u64);
    header.set_cksum();
    builder.append(&header, content).expect("an entry");
    builder.into_inner().expect("a tar")
}

// ---- the command ----

struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
        command.current_dir(self.path()).args(arguments);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for proxy in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(proxy);
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments)
            .output()
            .expect("the trainer starts")
    }

    /// Fetches into `sets/mine`.
    fn fetch(&self, server: &Server, more: &[&str]) -> Output {
        self.run(&[&FETCH[..], &["--url", &server.url], more].concat())
    }

    /// Everything that lies around, without what the data set should hold.
    fn left(&self) -> Vec<String> {
        let sets = self.path().join("sets");
        let entries = fs::read_dir(&sets).into_iter().flatten();
        let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        let mut left: Vec<String> = entries
            .map(|entry| name(entry.expect("an entry")))
            .collect();
        left.sort();
        left
    }

    fn assert_holds(&self, files: &[(String, Vec<u8>)]) {
        for (name, content) in files {
            let path = self.path().join("sets/mine").join(name);
            assert!(
                fs::read(&path).expect("a file") == *content,
                "{name} differs"
            );
        }
    }
}

const FETCH: [&str; 5] = ["data", "fetch", "facades", "--output", "sets/mine"];

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn assert_code(output: &Output, code: i32) {
    let talk = format!("{}\n{}", stdout(output), stderr(output));
    assert_eq!(output.status.code(), Some(code), "{talk}");
}

fn assert_names(output: &Output, words: &[&str]) {
    let talk = stderr(output);
    for word in words {
        assert!(talk.contains(word), "\"{word}\" is not in:\n{talk}");
    }
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

// ---- what must hold ----

#[test]
fn every_kind_of_archive_becomes_the_folder_and_nothing_else_stays() {
    let content = files("", 1);
    let in_folder = files("facades/", 1);
    for (path, archive) in [
        ("/a.tar.gz", gz(&tar(&in_folder))),
        ("/a.tgz?version=2", gz(&tar(&content))),
        ("/a.tar", tar(&in_folder)),
        ("/a.zip", zip(&in_folder)),
        ("/download.php", zip(&content)),
    ] {
        let place = Place::new();
        let server = Server::start(path, vec![Answer::with(&archive)]);
        let output = place.fetch(&server, &["--sha256", &sha256(&archive)]);
        assert_code(&output, DONE);
        assert_eq!(stdout(&output).trim(), "sets/mine");
        place.assert_holds(&content);
        assert_eq!(place.left(), ["mine"], "{path}");
        assert_eq!(server.sent(), archive.len());
    }
}

#[test]
fn a_folder_that_is_there_is_left_alone() {
    let place = Place::new();
    let server = Server::start("/a.zip", vec![Answer::with(&zip(&files("", 1)))]);
    fs::create_dir_all(place.path().join("sets/mine")).expect("a folder");
    fs::write(place.path().join("sets/mine/own.txt"), "own").expect("a file");
    let output = place.fetch(&server, &[]);
    assert_code(&output, DONE);
    assert_names(&output, &["already there"]);
    assert_eq!(server.seen().len(), 0);
    let names = fs::read_dir(place.path().join("sets/mine")).expect("a folder");
    assert_eq!(names.count(), 1);
}

#[test]
fn an_empty_folder_is_filled() {
    let place = Place::new();
    let server = Server::start("/a.zip", vec![Answer::with(&zip(&files("x/", 1)))]);
    fs::create_dir_all(place.path().join("sets/mine")).expect("a folder");
    assert_code(&place.fetch(&server, &[]), DONE);
    place.assert_holds(&files("", 1));
}

#[test]
fn a_cut_connection_is_resumed_and_no_byte_comes_twice() {
    let archive = gz(&tar(&files("facades/", 1)));
    let answer = Answer::with(&archive);
    let cut = answer.clone().cut_after(60_000);
    let place = Place::new();
    let server = Server::start("/a.tar.gz", vec![cut, answer]);
    let output = place.fetch(&server, &["--sha256", &sha256(&archive)]);
    assert_code(&output, DONE);
    assert_names(&output, &["cut", "resuming"]);
    place.assert_holds(&files("", 1));
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].range, None);
    assert_eq!(seen[1].range.as_deref(), Some("bytes=60000-"));
    assert_eq!(seen[1].if_range.as_deref(), Some("\"one\""));
    assert_eq!(server.sent(), archive.len());
}

#[test]
fn a_download_that_is_given_up_is_resumed_by_the_next_call() {
    let archive = zip(&files("", 1));
    let answer = Answer::with(&archive);
    let place = Place::new();
    let server = Server::start("/a.zip", vec![answer.clone().cut_after(70_000), answer]);
    let output = place.fetch(&server, &["--retries", "0"]);
    assert_code(&output, FAILED);
    assert_names(
        &output,
        &["70000 bytes", "mine.zip.part", "again", &server.url],
    );
    assert_eq!(place.left(), ["mine.zip.part", "mine.zip.part.json"]);
    assert_code(&place.fetch(&server, &[]), DONE);
    place.assert_holds(&files("", 1));
    assert_eq!(place.left(), ["mine"]);
    assert_eq!(server.seen()[1].range.as_deref(), Some("bytes=70000-"));
    assert_eq!(server.sent(), archive.len());
}

#[test]
fn a_silent_connection_is_given_up_and_resumed() {
    let archive = zip(&files("", 1));
    let answer = Answer::with(&archive);
    let silent = Answer {
        stalls: true,
        ..answer.clone().cut_after(40_000)
    };
    let place = Place::new();
    let server = Server::start("/a.zip", vec![silent, answer]);
    let output = place.fetch(&server, &["--timeout", "1"]);
    assert_code(&output, DONE);
    assert_names(&output, &["silent", "resuming"]);
    place.assert_holds(&files("", 1));
    assert_eq!(server.seen()[1].range.as_deref(), Some("bytes=40000-"));
}

#[test]
fn a_killed_download_is_resumed_by_the_next_call() {
    let archive = zip(&files("", 1));
    let answer = Answer::with(&archive);
    let slow = Answer {
        slow: true,
        ..answer.clone()
    };
    let place = Place::new();
    let server = Server::start("/a.zip", vec![slow, answer]);
    let arguments = [&FETCH[..], &["--url", &server.url]].concat();
    let mut child = place
        .command(&arguments)
        .spawn()
        .expect("the trainer starts");
    wait_for_bytes(&place.path().join("sets/mine.zip.part"), 2_000);
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    assert_code(&place.fetch(&server, &[]), DONE);
    place.assert_holds(&files("", 1));
    let range = server.seen()[1].range.clone().expect("a range");
    assert_ne!(range, "bytes=0-");
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_a_part_that_is_resumed() {
    let archive = zip(&files("", 1));
    let answer = Answer::with(&archive);
    let slow = Answer {
        slow: true,
        ..answer.clone()
    };
    let place = Place::new();
    let server = Server::start("/a.zip", vec![slow, answer]);
    let arguments = [&FETCH[..], &["--url", &server.url]].concat();
    let child = place
        .command(&arguments)
        .spawn()
        .expect("the trainer starts");
    wait_for_bytes(&place.path().join("sets/mine.zip.part"), 2_000);
    let pid = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &pid]).status();
    assert!(sent.expect("kill runs").success());
    let output = child.wait_with_output().expect("it ends");
    assert_code(&output, 130);
    assert_names(&output, &["again", "mine.zip.part"]);
    assert_eq!(place.left(), ["mine.zip.part", "mine.zip.part.json"]);
    assert_code(&place.fetch(&server, &[]), DONE);
    place.assert_holds(&files("", 1));
    assert!(server.seen()[1].range.is_some());
}

fn wait_for_bytes(path: &Path, length: u64) {
    let started = Instant::now();
    while fs::metadata(path).map_or(0, |metadata| metadata.len()) < length {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "nothing arrives"
        );
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_server_without_ranges_is_asked_for_the_whole_again() {
    let archive = zip(&files("", 1));
    let answer = Answer {
        honours_ranges: false,
        ..Answer::with(&archive)
    };
    let place = Place::new();
    let server = Server::start("/a.zip", vec![answer.clone().cut_after(70_000), answer]);
    let output = place.fetch(&server, &[]);
    assert_code(&output, DONE);
    assert_names(&output, &["beginning again"]);
    place.assert_holds(&files("", 1));
    assert_eq!(server.sent(), 70_000 + archive.len());
}

#[test]
fn a_server_that_always_cuts_a_fresh_start_is_given_up() {
    let answer = Answer {
        honours_ranges: false,
        ..Answer::with(&zip(&files("", 1)))
    };
    let place = Place::new();
    let server = Server::start("/a.zip", vec![answer.cut_after(70_000)]);
    let output = place.fetch(&server, &["--retries", "2"]);
    assert_code(&output, FAILED);
    // The first attempt and two more.
    assert_eq!(server.seen().len(), 3);
}

#[test]
fn a_file_that_changed_meanwhile_is_not_glued_to_the_old_one() {
    let (old, new) = (zip(&files("", 1)), zip(&files("", 50)));
    let changed = Answer {
        etag: Some("\"two\""),
        ..Answer::with(&new)
    };
    let place = Place::new();
    let old = Answer::with(&old).cut_after(70_000);
    let server = Server::start("/a.zip", vec![old, changed]);
    assert_code(&place.fetch(&server, &[]), DONE);
    place.assert_holds(&files("", 50));
}

#[test]
fn without_a_name_for_the_version_its_length_decides() {
    let (old, mut longer) = (files("", 1), files("", 50));
    longer[0].1.extend(noise(100, 9));
    let unnamed = |content: &[u8]| Answer {
        etag: None,
        ..Answer::with(content)
    };
    let same = zip(&old);
    let place = Place::new();
    let cut = unnamed(&same).cut_after(70_000);
    let server = Server::start("/a.zip", vec![cut.clone(), unnamed(&same)]);
    assert_code(&place.fetch(&server, &[]), DONE);
    place.assert_holds(&old);
    assert_eq!(server.sent(), same.len());
    let place = Place::new();
    let server = Server::start("/a.zip", vec![cut, unnamed(&zip(&longer))]);
    assert_code(&place.fetch(&server, &[]), DONE);
    place.assert_holds(&longer);
}

#[test]
fn a_wrong_hash_is_refused_and_nothing_stays() {
    let archive = zip(&files("", 1));
    let place = Place::new();
    let server = Server::start("/a.zip", vec![Answer::with(&archive)]);
    let output = place.fetch(&server, &["--sha256", &"0".repeat(64)]);
    assert_code(&output, FAILED);
    assert_names(
        &output,
        &["SHA-256", &sha256(&archive), "--sha256", &server.url],
    );
    assert_eq!(place.left(), [""; 0]);
    let output = place.fetch(&server, &["--sha256", "abc"]);
    assert_code(&output, WRONG_USAGE);
    assert_names(&output, &["64 hexadecimal digits"]);
}

#[test]
fn refusals_of_the_server_name_the_address_and_what_to_do() {
    for (status, words) in [
        ("404 Not Found", &["404", "moved", "--url"][..]),
        ("403 Forbidden", &["403", "account", "--url"]),
        ("503 Service Unavailable", &["503", "later"]),
    ] {
        let answer = Answer {
            status,
            ..Answer::with(b"no")
        };
        let place = Place::new();
        let server = Server::start("/a.zip", vec![answer]);
        let output = place.fetch(&server, &["--retries", "1"]);
        assert_code(&output, FAILED);
        assert_names(&output, &[&server.url]);
        assert_names(&output, words);
        assert_eq!(place.left(), [""; 0]);
        let expected = if status.starts_with('5') { 2 } else { 1 };
        assert_eq!(server.seen().len(), expected, "{status}");
    }
}

#[test]
fn a_web_page_is_not_taken_for_an_archive() {
    let page = Answer {
        content_type: "text/html; charset=utf-8",
        ..Answer::with(b"<html>please log in</html>")
    };
    let place = Place::new();
    let server = Server::start("/a.zip", vec![page]);
    let output = place.fetch(&server, &[]);
    assert_code(&output, FAILED);
    assert_names(&output, &["web page", &server.url, "browser"]);
    assert_eq!(place.left(), [""; 0]);
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let place = Place::new();
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").port()
    };
    let url = format!("http://127.0.0.1:{port}/a.zip");
    let arguments = [&FETCH[..], &["--retries", "0", "--url", &url]].concat();
    let output = place.run(&arguments);
    assert_code(&output, FAILED);
    assert_names(&output, &[&url, "check the connection"]);
    assert_eq!(place.left(), [""; 0]);
    let arguments = [&FETCH[..], &["--url", "not an address"]].concat();
    let output = place.run(&arguments);
    assert_code(&output, FAILED);
    assert_names(&output, &["not an address", "https://"]);
}

#[test]
fn archives_that_reach_out_of_the_folder_are_refused() {
    use tar::EntryType::{Fifo, Link, Regular, Symlink};
    let named = |name: &str| {
        vec![
            ("fine.txt".to_string(), vec![1]),
            (name.to_string(), vec![2]),
        ]
    };
    let mut linked = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    linked
        .add_symlink("link", "/etc", options)
        .expect("an entry");
    let linked = linked.finish().expect("a zip").into_inner();
    for (entry, archive) in [
        ("../escaped.txt", hostile_tar("../escaped.txt", Regular, "")),
        (
            "a/../../escaped.txt",
            gz(&hostile_tar("a/../../escaped.txt", Regular, "")),
        ),
        (
            "/tmp/escaped.txt",
            hostile_tar("/tmp/escaped.txt", Regular, ""),
        ),
        ("C:/escaped.txt", hostile_tar("C:/escaped.txt", Regular, "")),
        ("link", hostile_tar("link", Symlink, "/etc")),
        (
            "set/link",
            gz(&hostile_tar("set/link", Link, "/etc/passwd")),
        ),
        ("pipe", hostile_tar("pipe", Fifo, "")),
        ("../escaped.txt", zip(&named("../escaped.txt"))),
        ("/escaped.txt", zip(&named("/escaped.txt"))),
        ("link", linked),
    ] {
        let place = Place::new();
        let server = Server::start("/a", vec![Answer::with(&archive)]);
        let output = place.fetch(&server, &[]);
        assert_code(&output, FAILED);
        assert_names(&output, &["refused", &format!("\"{entry}\""), "--url"]);
        assert_eq!(place.left(), [""; 0], "{entry}");
        assert!(!place.path().join("escaped.txt").exists());
        assert!(!Path::new("/tmp/escaped.txt").exists());
    }
}

#[test]
fn long_names_are_written_whole() {
    let long = "n".repeat(120) + "/" + &"m".repeat(100) + ".txt";
    let place = Place::new();
    let entries = [
        (long.clone(), b"x".to_vec()),
        ("b.txt".to_string(), b"y".to_vec()),
    ];
    let server = Server::start("/a.tar", vec![Answer::with(&tar(&entries))]);
    assert_code(&place.fetch(&server, &[]), DONE);
    place.assert_holds(&entries);
}

#[test]
fn a_cut_archive_is_named_as_such_and_nothing_stays() {
    let whole = gz(&tar(&files("", 1)));
    for archive in [&whole[..whole.len() / 2], &zip(&files("", 1))[..60_000]] {
        let place = Place::new();
        let server = Server::start("/a", vec![Answer::with(archive)]);
        let output = place.fetch(&server, &[]);
        assert_code(&output, FAILED);
        assert_names(&output, &["damaged or cut", &server.url]);
        assert_eq!(place.left(), [""; 0]);
    }
}

#[test]
fn an_archive_whose_entries_contradict_each_other_is_refused() {
    let entry = |name: &str| (name.to_string(), vec![1, 2, 3]);
    let place = Place::new();
    let archive = tar(&[entry("a"), entry("a/b")]);
    let server = Server::start("/a.tar", vec![Answer::with(&archive)]);
    let output = place.fetch(&server, &[]);
    assert_code(&output, FAILED);
    assert_names(&output, &["damaged", "--url"]);
    assert_eq!(place.left(), [""; 0]);
}

#[test]
fn the_archive_stays_if_asked_for() {
    let archive = zip(&files("", 1));
    let place = Place::new();
    let server = Server::start("/a.zip", vec![Answer::with(&archive)]);
    assert_code(&place.fetch(&server, &["--keep-archive"]), DONE);
    assert_eq!(place.left(), ["mine", "mine.zip"]);
    let kept = fs::read(place.path().join("sets/mine.zip")).expect("the archive");
    assert!(kept == archive);
}

#[test]
fn in_json_every_line_is_an_object() {
    let archive = zip(&files("", 1));
    let place = Place::new();
    let answer = Answer::with(&archive);
    let server = Server::start("/a.zip", vec![answer.clone().cut_after(9_000), answer]);
    let output = place.fetch(
        &server,
        &["--format", "json", "--sha256", &sha256(&archive)],
    );
    assert_code(&output, DONE);
    let parse = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("JSON");
    let events: Vec<_> = stderr(&output).lines().map(parse).collect();
    for name in [
        "licence",
        "downloading",
        "retrying",
        "received",
        "checking",
        "unpacking",
    ] {
        assert!(events.iter().any(|event| event["event"] == name), "{name}");
    }
    let result = parse(stdout(&output).trim());
    assert_eq!(result["files"], 3);
    assert_eq!(result["archive_bytes"], archive.len());
}

#[test]
fn a_data_set_that_needs_an_account_says_how_to_get_it() {
    let place = Place::new();
    let output = place.run(&["data", "fetch", "cityscapes"]);
    assert_code(&output, FAILED);
    assert_names(
        &output,
        &["https://www.cityscapes-dataset.com", "datasets/cityscapes"],
    );
}

#[test]
fn an_unknown_data_set_is_answered_with_the_nearest_name() {
    let output = Place::new().run(&["data", "fetch", "facade"]);
    assert_code(&output, WRONG_USAGE);
    assert_names(&output, &["'facades'", "horse2zebra", "flower-photos"]);
}

#[test]
fn the_recipes_are_listed_for_people_and_for_programs() {
    let place = Place::new();
    let table = stdout(&place.run(&["recipes"]));
    let output = place.run(&["recipes", "--format", "json"]);
    assert_code(&output, DONE);
    let mut count = 0;
    for line in stdout(&output).lines() {
        let recipe: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let name = recipe["name"].as_str().expect("a name");
        assert!(
            table
                .lines()
                .any(|row| row.starts_with(&format!("{name} "))),
            "{name}"
        );
        assert!(
            recipe["data"]["license"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
        let flags = recipe["flags"].as_array().expect("flags");
        assert!(flags.iter().any(|flag| flag == "--direction"), "{name}");
        count += 1;
    }
    assert_eq!(count, 13);
    let full = stdout(&place.run(&["recipes", "horse2zebra"]));
    for word in [
        "resnet_9blocks",
        "licence",
        "horse2zebra.zip",
        "--lambda-cycle 10",
    ] {
        assert!(full.contains(word), "\"{word}\" is not in:\n{full}");
    }
}

#[test]
fn a_recipe_without_its_data_names_the_command_that_fetches_it() {
    let output = Place::new().run(&["train", "--recipe", "facades", "--device", "cpu"]);
    assert_code(&output, FAILED);
    assert_names(
        &output,
        &["datasets/facades", "trainer data fetch facades", "--data"],
    );
}
