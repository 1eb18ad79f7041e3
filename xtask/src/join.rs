//! Joins the modules of a page into one script, and those that it imports later, by `import()`, into one
//! more each: a browser asks for a file or two instead of dozens.
//!
//! The modules stay as they are and need no bundler. What they may say is little: imports of names or of
//! a whole module, exports of functions, classes and constants, one of each on lines of their own, as the
//! formatter leaves them. Anything else ends the build.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

/// Stands for a module's own address, which is another one in a joined file.
const ADDRESS: &str = "moduleAddress";

/// Joins the modules that `entry`, a path in `folder`, imports. Returns all scripts by their paths in
/// `folder`: the one that takes the entry's place, then those that come later.
pub fn join(folder: &Path, entry: &str) -> Result<BTreeMap<String, String>> {
    let mut joiner = Joiner {
        folder,
        entry,
        done: BTreeSet::new(),
        later: Vec::new(),
    };
    let mut files = BTreeMap::new();
    let mut script = String::from("export const modules = {};\n");
    let names = joiner.add(entry, &mut script, &mut Vec::new())?;
    if !names.is_empty() {
        script += &exports(&names, entry);
    }
    files.insert(entry.to_owned(), script);
    let at_once = joiner.done.clone();
    while let Some(module) = joiner.later.pop() {
        let path = later_path(entry, &module);
        if files.contains_key(&path) {
            continue;
        }
        joiner.done.clone_from(&at_once);
        let mut script = format!("import {{ modules }} from './{}';\n", name_of(entry));
        let names = joiner.add(&module, &mut script, &mut Vec::new())?;
        script += &exports(&names, &module);
        files.insert(path, script);
    }
    Ok(files)
}

struct Joiner<'a> {
    folder: &'a Path,
    entry: &'a str,
    done: BTreeSet<String>,
    later: Vec<String>,
}

impl Joiner<'_> {
    /// Adds a module behind those that it needs; returns the names that it exports.
    fn add(
        &mut self,
        path: &str,
        script: &mut String,
        above: &mut Vec<String>,
    ) -> Result<Vec<String>> {
        ensure!(
            !above.iter().any(|module| module == path),
            "{path} imports itself, by way of {}",
            above.join(", ")
        );
        let file = self.folder.join(path);
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        above.push(path.to_owned());
        let (mut body, mut names) = (String::new(), Vec::new());
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, _) = rest.split_once('\n').unwrap_or((rest, ""));
            let length = if line.starts_with("import ") || line.starts_with("export {") {
                let end = rest
                    .find(";\n")
                    .with_context(|| format!("{path}: `{line}` has no end"))?;
                end + 2
            } else {
                rest.len().min(line.len() + 1)
            };
            let (statement, after) = rest.split_at(length);
            rest = after;
            if line.starts_with("import ") {
                let (imported, needed) = import(statement, path)?;
                if !self.done.contains(&needed) {
                    self.add(&needed, script, above)?;
                }
                body += &format!("const {imported} = modules['{needed}'];\n");
            } else if let Some((list, named)) = passed_on(statement) {
                let needed = resolved(path, named)?;
                if !self.done.contains(&needed) {
                    self.add(&needed, script, above)?;
                }
                let listed = names_of(list);
                names.extend(listed.with_context(|| format!("{path}: `{line}` has odd names"))?);
                body += &format!("const {{{list}}} = modules['{needed}'];\n");
            } else if line.starts_with("export ") {
                let (local, exported) = export(statement).with_context(|| {
                    format!("{path}: `{line}` is an export that cannot be joined")
                })?;
                names.extend(exported);
                body += local;
            } else {
                body += &self.with_later_imports(statement, path)?;
            }
        }
        above.pop();
        self.done.insert(path.to_owned());
        ensure!(
            !body.contains(ADDRESS),
            "{path} says {ADDRESS}, which the build uses"
        );
        let body = body.replace("import.meta.url", ADDRESS);
        let own = relative(self.entry, path);
        // What comes behind it has to wait as well.
        let is_at_top = |line: &&str| !line.starts_with([' ', '/', '*']);
        let mut waiting = body
            .lines()
            .filter(is_at_top)
            .filter(|line| line.contains("await "));
        let waits = waiting.next().is_some();
        let (wait, kind) = if waits {
            ("await ", "async ")
        } else {
            ("", "")
        };
        *script += &format!(
            "\n// {path}\nmodules['{path}'] = {wait}({kind}({ADDRESS}) => {{\n{body}return {{ {} }};\n}})(new URL('{own}', import.meta.url).href);\n",
            names.join(", ")
        );
        Ok(names)
    }

    /// A line of code in which `import()` names the joined file.
    fn with_later_imports(&mut self, line: &str, path: &str) -> Result<String> {
        let is_comment = line.trim_start().starts_with(['/', '*', '@']);
        let Some((before, after)) = line.split_once("import('").filter(|_| !is_comment) else {
            return Ok(line.to_owned());
        };
        let (named, after) = after
            .split_once('\'')
            .with_context(|| format!("{path}: `{line}` has no end"))?;
        let module = resolved(path, named)?;
        let file = later_path(self.entry, &module);
        self.later.push(module);
        Ok(format!("{before}import('./{}'{after}", name_of(&file)))
    }
}

/// The line of a joined file that exports what one of its modules does.
fn exports(names: &[String], module: &str) -> String {
    format!(
        "export const {{ {} }} = modules['{module}'];\n",
        names.join(", ")
    )
}

/// `{ a, b as c }` or a name, as a pattern to unpack the module into, and the module's path.
fn import(statement: &str, path: &str) -> Result<(String, String)> {
    let inner = statement
        .trim_start_matches("import ")
        .trim_end()
        .trim_end_matches("';");
    let found = inner
        .split_once(" from '")
        .filter(|(what, _)| what.starts_with(['{', '*']));
    let (what, from) = found.with_context(|| format!("{path}: `{statement}` cannot be joined"))?;
    let what = what.trim_start_matches("* as ").replace(" as ", ": ");
    Ok((what, resolved(path, from)?))
}

/// The statement as one of a function's body, and the names that it exports.
fn export(statement: &str) -> Option<(&str, Vec<String>)> {
    let local = statement.strip_prefix("export ")?;
    if let Some(list) = local.strip_prefix('{') {
        let list = list.trim_end().strip_suffix("};")?;
        return Some(("", names_of(list)?));
    }
    let local_name = ["async function ", "function ", "class ", "const "]
        .iter()
        .find_map(|kind| local.strip_prefix(kind))?;
    let name = local_name
        .split([' ', '('])
        .next()
        .filter(|name| is_name(name))?;
    Some((local, vec![name.to_owned()]))
}

/// `export { a, b } from './other.js'`: the list of names, and what they are from.
fn passed_on(statement: &str) -> Option<(&str, &str)> {
    let inner = statement.strip_prefix("export {")?.trim_end();
    inner.strip_suffix("';")?.split_once("} from '")
}

/// The names in a list.
fn names_of(list: &str) -> Option<Vec<String>> {
    let names = list.split(',').map(str::trim);
    let names = names.filter(|name| !name.is_empty());
    names
        .map(|name| is_name(name).then(|| name.to_owned()))
        .collect()
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | '$'))
}

/// The path of what a module names, in the same folder as the module's own path.
fn resolved(module: &str, named: &str) -> Result<String> {
    let mut found = PathBuf::from(module);
    found.pop();
    for part in Path::new(named).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                ensure!(found.pop(), "{module} imports {named}, outside the page")
            }
            Component::Normal(name) => found.push(name),
            _ => bail!("{module} imports {named}, which is no relative path"),
        }
    }
    Ok(found.to_string_lossy().into_owned())
}

/// Where the script lies that begins with a module which is imported later.
fn later_path(entry: &str, module: &str) -> String {
    format!("{}-{}", entry.trim_end_matches(".js"), name_of(module))
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The address of a path, seen from the folder of another.
fn relative(from: &str, path: &str) -> String {
    "../".repeat(from.matches('/').count()) + path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join_files(files: &[(&str, &str)]) -> Result<BTreeMap<String, String>> {
        let folder = tempfile::tempdir()?;
        for (path, text) in files {
            let file = folder.path().join(path);
            fs::create_dir_all(file.parent().context("a folder")?)?;
            fs::write(file, text)?;
        }
        join(folder.path(), files[0].0)
    }

    #[test]
    fn each_module_is_there_once_behind_what_it_needs() -> Result<()> {
        let files = join_files(&[
            (
                "page/app.js",
                "import { a as b } from '../view/a.js';\nimport * as c from './c.js';\nb(c);\n",
            ),
            (
                "page/c.js",
                "import { a } from '../view/a.js';\nexport const c = a;\n",
            ),
            ("view/a.js", "export function a() {}\n"),
        ])?;
        let script = &files["page/app.js"];
        let places =
            ["// view/a.js", "// page/c.js", "// page/app.js"].map(|name| script.find(name));
        ensure!(places.is_sorted() && places[0].is_some(), "{script}");
        ensure!(script.matches("// view/a.js").count() == 1, "{script}");
        ensure!(
            script.contains("const { a: b } = modules['view/a.js'];"),
            "{script}"
        );
        Ok(())
    }

    #[test]
    fn what_is_imported_later_has_a_file_with_what_is_not_there_yet() -> Result<()> {
        let files = join_files(&[
            (
                "page/app.js",
                "import { a } from './a.js';\nawait import('./later.js');\na();\n",
            ),
            ("page/a.js", "export const a = 1;\n"),
            (
                "page/later.js",
                "import { a } from './a.js';\nimport { d } from './d.js';\nexport class L {}\nd(a);\n",
            ),
            ("page/d.js", "export function d() {}\n"),
        ])?;
        ensure!(
            files["page/app.js"].contains("import('./app-later.js')"),
            "{files:?}"
        );
        let later = &files["page/app-later.js"];
        ensure!(
            later.contains("// page/d.js") && !later.contains("// page/a.js"),
            "{later}"
        );
        ensure!(
            later.ends_with("export const { L } = modules['page/later.js'];\n"),
            "{later}"
        );
        Ok(())
    }

    #[test]
    fn what_an_entry_exports_and_passes_on_is_exported_by_its_file() -> Result<()> {
        let files = join_files(&[
            ("widget.js", "export { W } from './parts/w.js';\n"),
            ("parts/w.js", "export class W {}\nexport const other = 1;\n"),
        ])?;
        let script = &files["widget.js"];
        ensure!(
            script.contains("const { W } = modules['parts/w.js'];"),
            "{script}"
        );
        ensure!(
            script.ends_with("export const { W } = modules['widget.js'];\n"),
            "{script}"
        );
        Ok(())
    }

    #[test]
    fn a_module_that_waits_keeps_those_behind_it_waiting() -> Result<()> {
        let files = join_files(&[
            (
                "app.js",
                "import { a } from './a.js';\nasync function f() {\n  await a;\n}\nf();\n",
            ),
            ("a.js", "export const a = 1;\nawait a;\n"),
        ])?;
        let script = &files["app.js"];
        ensure!(
            script.contains("modules['a.js'] = await (async (moduleAddress) => {"),
            "{script}"
        );
        ensure!(
            script.contains("modules['app.js'] = ((moduleAddress) => {"),
            "{script}"
        );
        Ok(())
    }

    #[test]
    fn what_cannot_be_joined_ends_the_build() {
        for text in [
            "export default 1;\n",
            "export let a = 1;\n",
            "import './b.js';\n",
            "import { a } from 'b';\nimport x from './b.js';\n",
        ] {
            assert!(join_files(&[("a.js", text)]).is_err(), "{text}");
        }
        assert!(
            join_files(&[
                ("a.js", "import { b } from './b.js';\n"),
                ("b.js", "import { a } from './a.js';\n")
            ])
            .is_err()
        );
    }
}
