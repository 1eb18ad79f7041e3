//! The page of a training, made by the binary.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod harness;

use std::fs;
use std::path::Path;

use harness::{FAILED, done, run, talk, temp, trained};

fn page(folder: &Path) -> String {
    fs::read_to_string(folder.join("run/report.html")).expect("a page")
}

/// What attributes of this name hold.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    let found = page.split(start.as_str()).skip(1);
    found
        .map(|rest| rest.split('"').next().unwrap_or_default())
        .collect()
}

/// A page that loads nothing, whose elements are closed and whose text is whole.
fn check(page: &str) {
    let sources = attributes(page, "src");
    assert!(!sources.is_empty());
    for source in sources {
        assert!(
            source.starts_with("data:image/jpeg;base64,/9j/"),
            "{source}"
        );
    }
    assert!(attributes(page, "href").is_empty());
    for word in [
        "url(",
        "@import",
        "<link",
        "<iframe",
        "fetch(",
        "XMLHttpRequest",
    ] {
        assert!(!page.contains(word), "{word}");
    }
    for element in [
        "html", "body", "main", "section", "figure", "svg", "table", "script", "style",
    ] {
        let opened = page.matches(&format!("<{element}")).count();
        let closed = page.matches(&format!("</{element}>")).count();
        assert_eq!(opened, closed, "<{element}>");
    }
    assert!(page.ends_with("</html>\n"));
}

#[test]
fn a_training_writes_a_page_that_stands_alone_and_says_what_it_shows() {
    let folder = temp();
    trained(folder.path(), &["--sample-every", "1"]);
    let page = page(folder.path());
    check(&page);
    for sentence in [
        "Has the discriminator won?",
        "Has the generator collapsed?",
        "Is the output better than the untouched input?",
        "guessing: log 2 = 0.693",
        "2,000 pairs to train on, 24 to validate",
        "burn-flex",
        "steps/s",
        "unet_128",
        "<strong>finished</strong> at step 2 of 2",
        "input | output | target",
    ] {
        assert!(page.contains(sentence), "\"{sentence}\" is not in the page");
    }
    assert_eq!(attributes(&page, "data-step"), ["1", "2"]);
}

#[test]
fn the_page_of_cyclegan_speaks_of_cycles_instead_of_targets() {
    let folder = temp();
    trained(
        folder.path(),
        &["--model", "cyclegan", "--gan-mode", "lsgan"],
    );
    let page = page(folder.path());
    check(&page);
    for sentence in [
        "Has the discriminator D_A won?",
        "Cycle losses",
        "guessing: 0.25",
        "real_A, fake_B",
    ] {
        assert!(page.contains(sentence), "\"{sentence}\" is not in the page");
    }
    assert!(!page.contains("untouched input"));
}

#[test]
fn the_page_is_made_again_from_a_folder_of_whatever_version_whose_last_line_is_cut() {
    let folder = temp();
    trained(folder.path(), &[]);
    let run = folder.path().join("run");
    let metrics = fs::read_to_string(run.join("metrics.jsonl")).expect("metrics");
    // Lines and settings of the first version: losses and metrics alone.
    let old = metrics
        .lines()
        .filter(|line| line.contains("\"step\"") || line.contains("\"validated\""))
        .filter(|line| !line.contains("\"finished\""));
    let mut old: String = old.map(|line| format!("{line}\n")).collect();
    old.push_str("{\"event\":\"step\",\"st");
    fs::write(run.join("metrics.jsonl"), old).expect("metrics");
    let config = r#"{"name": "<old> & \"odd\"", "steps": 9, "size": 128}"#;
    fs::write(run.join("config.json"), config).expect("settings");
    fs::remove_file(run.join("report.html")).expect("a page");
    let output = done(folder.path(), &["report", "run"]);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        "run/report.html"
    );
    let page = page(folder.path());
    check(&page);
    assert!(page.contains("<h1>&lt;old&gt; &amp; &quot;odd&quot;</h1>"));
    assert!(page.contains("<strong>not finished</strong> at step 2 of 9"));
}

#[test]
fn a_folder_without_a_run_is_refused_by_name() {
    let folder = temp();
    let output = run(folder.path(), &["report", "nothing"]);
    assert_eq!(output.status.code(), Some(FAILED));
    let said = talk(&output);
    assert!(
        said.contains("nothing/config.json") && said.contains("folder of a training run"),
        "{said}"
    );
}
