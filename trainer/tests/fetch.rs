//! `trainer data fetch` and `trainer recipes` as people use them, against a server on this
//! machine that cuts, refuses and changes as the test says.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "fetch/archives.rs"]
mod archives;
mod harness;
#[path = "fetch/server.rs"]
mod server;

use std::fs;
use std::io::Cursor;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use archives::{files, gz, hostile_tar, noise, tar, zip};
use harness::{DONE, FAILED, WRONG_USAGE, assert_code, assert_names, stderr, stdout};
use server::{Answer, Server};

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

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

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
fn a_place_where_no_folder_can_be_made_is_named_before_anything_is_asked_for() {
    let place = Place::new();
    fs::write(place.path().join("file"), "mine").expect("a file");
    for output in ["file", ".", ".."] {
        let arguments = ["data", "fetch", "facades", "--output", output];
        let output_of = place.run(&arguments);
        assert_code(&output_of, FAILED);
        assert_names(&output_of, &[output, "--output"]);
    }
    let kept = fs::read_to_string(place.path().join("file"));
    assert_eq!(kept.expect("the file"), "mine");
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
    assert!(!place.path().join("sets").exists());
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
fn an_archive_that_nobody_knows_the_sum_of_is_warned_about_and_its_sum_is_told() {
    let archive = zip(&files("", 1));
    let sum = sha256(&archive);
    let server = Server::start("/a.zip", vec![Answer::with(&archive); 2]);
    let unpinned = "no SHA-256 is known for this archive";
    let output = Place::new().fetch(&server, &[]);
    assert_code(&output, DONE);
    assert_names(
        &output,
        &[unpinned, &format!("SHA-256 of the archive: {sum}")],
    );
    let output = Place::new().fetch(&server, &["--sha256", &sum]);
    assert_code(&output, DONE);
    assert_names(&output, &[&sum]);
    assert!(!stderr(&output).contains(unpinned), "{}", stderr(&output));
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
    assert_eq!(result["sha256"], sha256(&archive));
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
        let source = &recipe["data"]["source"];
        let unpinned = source["how"] == "archive" && source["sha256"].is_null();
        let row = table
            .lines()
            .find(|row| row.starts_with(&format!("{name} ")));
        assert_eq!(
            row.is_some_and(|row| row.contains(" * ")),
            unpinned,
            "{name}"
        );
        let full = stdout(&place.run(&["recipes", name]));
        assert_eq!(
            full.contains("an altered archive is not noticed"),
            unpinned,
            "{full}"
        );
        let flags = recipe["flags"].as_array().expect("flags");
        assert!(flags.iter().any(|flag| flag == "--direction"), "{name}");
        count += 1;
    }
    assert_eq!(count, 14);
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
