//! Python with packages of PyPI, for tests that ask the programs that users have.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Python with `packages`, in a virtual environment that lasts as long as the build's files and is
/// named after the first of them; made once, though tests run side by side. A test program always
/// asks for the same packages.
pub fn python(packages: &[&str]) -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| python_with(packages))
}

fn python_with(packages: &[&str]) -> PathBuf {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(packages[0]);
    let python = home.join("bin/python");
    let imports = format!("import {}", packages.join(", "));
    let works = |python: &Path| {
        let imported = Command::new(python).args(["-c", &imports]).output();
        imported.is_ok_and(|output| output.status.success())
    };
    if works(&python) {
        return python;
    }
    let run = |program: &Path, arguments: &[&str], remedy: &str| {
        let output = Command::new(program).args(arguments).output();
        let output =
            output.unwrap_or_else(|error| panic!("{}: {error}; {remedy}", program.display()));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}\n{remedy}");
    };
    let folder = home.to_string_lossy();
    run(
        Path::new("python3"),
        &["-m", "venv", "--clear", &folder],
        "Install Python with its venv module (Debian: apt-get install python3-venv).",
    );
    run(
        &python,
        &[&["-m", "pip", "install", "--quiet"], packages].concat(),
        "The packages come from PyPI: check the connection, or install them into the virtual \
         environment named above.",
    );
    python
}
