//! Running other programs, with a remedy when one fails.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Runs a command to its end; `remedy` says what to do if it fails.
pub fn run(command: &mut Command, remedy: &str) -> Result<()> {
    let line = describe(command);
    eprintln!("$ {line}");
    let status = command
        .status()
        .with_context(|| format!("cannot start `{line}`. {remedy}"))?;
    if !status.success() {
        bail!("`{line}` failed ({status}). {remedy}");
    }
    Ok(())
}

/// The standard output of a command, or `None` where there is no such program.
pub fn output(command: &mut Command) -> Result<Option<String>> {
    let line = describe(command);
    match command.output() {
        Ok(output) if output.status.success() => {
            Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned()))
        }
        Ok(output) => bail!(
            "`{line}` failed ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot start `{line}`")),
    }
}

fn describe(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let program = program.rsplit(['/', '\\']).next().unwrap_or(&program);
    command.get_args().fold(program.to_owned(), |line, part| {
        format!("{line} {}", part.to_string_lossy())
    })
}

/// Writes a program for the shell.
pub fn write_script(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))
            .with_context(|| format!("{} cannot be made a program", path.display()))?;
    }
    Ok(())
}
