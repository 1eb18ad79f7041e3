//! The npm package that `npm pack` makes of the built page: what is in it, that a plain page can
//! use it, and that its types say what it does.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};
use server::{Routes, Server};
use tempfile::TempDir;
use tests::browser::{Browser, Graphics};
use tests::modules::{self, Modules, quoted};
use tests::texts;
use xtask::{tools, workspace};

const NAME: &str = "pix2pix-in-the-browser";
const PATIENCE: Duration = Duration::from_secs(600);

/// The package, packed and installed in a project of somebody else's.
struct Project {
    folder: TempDir,
    /// The paths in the package.
    files: BTreeSet<String>,
}

impl Project {
    fn installed(&self) -> PathBuf {
        self.folder.path().join("node_modules").join(NAME)
    }
}

fn project() -> Result<&'static Project> {
    static PROJECT: OnceLock<Result<Project, String>> = OnceLock::new();
    let project = PROJECT.get_or_init(|| install().map_err(|error| format!("{error:#}")));
    project.as_ref().map_err(|message| anyhow!(message.clone()))
}

fn install() -> Result<Project> {
    let folder = tempfile::tempdir()?;
    let node = tools::ensure_node()?;
    let mut pack = node.npm();
    pack.args(["pack", "--json", "--pack-destination"])
        .arg(folder.path())
        .current_dir(workspace::dist());
    let packed: Value = serde_json::from_str(&said(&mut pack)?)?;
    let paths = packed[0]["files"]
        .as_array()
        .context("npm lists no files")?;
    let paths = paths.iter().filter_map(|file| file["path"].as_str());
    let files = paths.map(str::to_owned).collect();
    let archive = packed[0]["filename"]
        .as_str()
        .context("npm names no archive")?;
    fs::write(
        folder.path().join("package.json"),
        "{ \"private\": true, \"type\": \"module\" }",
    )?;
    let mut install = node.npm();
    install
        .args(["install", "--offline", "--no-package-lock"])
        .arg(folder.path().join(archive))
        .current_dir(folder.path());
    said(&mut install)?;
    Ok(Project { folder, files })
}

/// What a command writes to standard output; what else it says is in the error.
fn said(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("{command:?} does not start"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{command:?} failed:\n{text}{errors}"
    );
    Ok(text)
}

/// A file of the page, and all those that it names, and those.
fn reach(file: &str, modules: &Modules, found: &mut BTreeSet<String>) {
    if found.insert(file.to_owned()) {
        for named in modules.get(file).into_iter().flatten() {
            reach(named, modules, found);
        }
    }
}

#[test]
fn the_package_holds_what_its_entries_need_and_nothing_else() -> Result<()> {
    let modules = modules::all()?;
    let mut expected = BTreeSet::new();
    for entry in ["pix2pix.js", "pix2pix-widget.js", "pix2pix-training.js"] {
        reach(entry, &modules, &mut expected);
    }
    ensure!(expected.contains("runtime/tile-pool.js") && expected.contains("view/parts.css"));
    let beside = "package.json LICENSE-APACHE LICENSE-MIT THIRD-PARTY-LICENCES.txt pix2pix.d.ts \
                  pix2pix-widget.d.ts pix2pix-widget.css pix2pix-training.d.ts";
    expected.extend(beside.split_whitespace().map(str::to_owned));
    for code in texts::translations()?.keys() {
        expected.insert(format!("view/languages/{code}.json"));
    }
    for build in [
        "cpu",
        "cpu-relaxed",
        "webgpu",
        "training",
        "training-webgpu",
    ] {
        for file in ["web.js", "web_bg.wasm"] {
            expected.insert(format!("pkg/{build}/{file}"));
        }
    }
    assert_eq!(project()?.files, expected);
    Ok(())
}

#[test]
fn a_plain_page_translates_with_the_installed_package() -> Result<()> {
    let project = project()?;
    let page = format!(
        "<!doctype html><title>Plain</title>
        <script type=importmap>{{ \"imports\": {{
          \"{NAME}\": \"./node_modules/{NAME}/pix2pix.js\",
          \"{NAME}/widget\": \"./node_modules/{NAME}/pix2pix-widget.js\" }} }}</script>
        <script type=module>
          import {{ Pix2Pix, Pix2PixError }} from '{NAME}';
          import {{ Pix2PixWidget }} from '{NAME}/widget';
          const translate = async () => {{
            const model = await Pix2Pix.create('models/flowers-deblur/manifest.json');
            const {{ width, height, data }} = await model.run(new ImageData(200, 100));
            const widget = document.createElement('pix2pix-widget') instanceof Pix2PixWidget;
            return [model.backend, width, height, data.length, widget].join();
          }};
          translate().then((words) => {{ window.outcome = words; }}, (error) => {{
            window.outcome = `${{error instanceof Pix2PixError}} ${{error.code}} ${{error.message}}`;
          }});
        </script>"
    );
    let routes = Routes::default()
        .folder("/", project.folder.path())
        .folder("/models/", workspace::dist().join("models"))
        .file("/index.html", page);
    let server = Server::start(0, move |path| routes.reply(path))?;
    let mut browser = Browser::start(Graphics::None)?;
    browser.go_to(&format!("{}/index.html", server.url()))?;
    let outcome = browser.wait_until("window.outcome !== undefined", PATIENCE);
    outcome.with_context(|| format!("{:?}", browser.console()))?;
    assert_eq!(
        browser.evaluate("window.outcome")?,
        "cpu,200,100,80000,true"
    );
    Ok(())
}

/// The codes that an error of the page's can have.
fn known_codes() -> Result<BTreeSet<String>> {
    let text = fs::read_to_string(workspace::www().join("runtime/errors.js"))?;
    let list = text
        .split("new Set([")
        .nth(1)
        .and_then(|rest| rest.split("])").next());
    let codes: BTreeSet<_> = quoted(list.context("errors.js lists no codes")?)
        .map(str::to_owned)
        .collect();
    ensure!(codes.len() > 5, "{codes:?}");
    Ok(codes)
}

#[test]
fn every_code_that_is_thrown_is_one_that_errors_can_have() -> Result<()> {
    let known = known_codes()?;
    let mut thrown = BTreeSet::new();
    for module in modules::all()?.into_keys() {
        let text = fs::read_to_string(workspace::www().join(module))?;
        let places = text.split("new Pix2PixError(").skip(1);
        // The code may stand on the next line; the code of another error is a known one.
        let literals = places.filter(|rest| rest.trim_start().starts_with('\''));
        thrown.extend(literals.filter_map(|rest| quoted(rest).next().map(str::to_owned)));
    }
    let of_the_module = fs::read_to_string(workspace::root().join("web/src/error.rs"))?;
    let codes = of_the_module.split("=> \"").skip(1);
    thrown.extend(codes.filter_map(|rest| Some(rest.split('"').next()?.to_owned())));
    ensure!(
        thrown.contains("camera") && thrown.contains("weights"),
        "{thrown:?}"
    );
    let unknown: Vec<_> = thrown.difference(&known).collect();
    ensure!(unknown.is_empty(), "{unknown:?}");
    Ok(())
}

/// Names of what the module's class has, by what JavaScript says of it.
fn members(of: &str, module: &Path) -> Result<Value> {
    let script = format!(
        "const {{ Pix2Pix }} = await import({});
         const common = ['constructor', 'length', 'name', 'prototype'];
         const names = Object.getOwnPropertyNames({of}).filter((name) => !common.includes(name));
         console.log(JSON.stringify(names));",
        json!(format!("file://{}", module.display()))
    );
    let node = tools::ensure_node()?;
    let mut node = node.command("node");
    node.args(["--input-type=module", "--eval", &script]);
    Ok(serde_json::from_str(&said(&mut node)?)?)
}

/// An object with these names, which has to be of the TypeScript type: neither more nor less.
fn exactly<'a>(of_type: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let names = names
        .into_iter()
        .map(|name| format!("{}: true", json!(name)));
    let names = names.collect::<Vec<_>>().join(", ");
    format!("export const names: Record<{of_type}, true> = {{ {names} }};\n")
}

#[test]
fn the_types_are_strict_and_name_every_member_and_code_and_no_others() -> Result<()> {
    let project = project()?;
    let module = project.installed().join("pix2pix.js");
    let types = tempfile::tempdir_in(project.folder.path())?;
    let write = |name: &str, text: &str| fs::write(types.path().join(name), text);
    let import = format!("import type {{ Pix2Pix, Pix2PixErrorCode }} from '{NAME}';\n");
    for (file, of_type, of) in [
        ("methods.ts", "keyof Pix2Pix", "Pix2Pix.prototype"),
        (
            "statics.ts",
            "Exclude<keyof typeof Pix2Pix, 'prototype'>",
            "Pix2Pix",
        ),
    ] {
        let names = members(of, &module)?;
        let names = names
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        write(file, &(import.clone() + &exactly(of_type, names)))?;
    }
    let codes = known_codes()?;
    let codes = exactly("Pix2PixErrorCode", codes.iter().map(String::as_str));
    write("codes.ts", &(import + &codes))?;
    write("consumer.ts", include_str!("../types/consumer.ts"))?;
    let compiler = tools::ensure_npm_packages()?.join("typescript/bin/tsc");
    for (resolution, kind) in [("bundler", "esnext"), ("nodenext", "nodenext")] {
        let options = json!({ "include": ["*.ts"], "compilerOptions": {
            "strict": true, "noEmit": true, "skipLibCheck": false, "types": [],
            "target": "es2022", "lib": ["es2022", "dom", "dom.iterable"],
            "module": kind, "moduleResolution": resolution,
        } });
        write("tsconfig.json", &options.to_string())?;
        let mut check = tools::ensure_node()?.command("node");
        said(check.arg(&compiler).arg("--project").arg(types.path()))?;
    }
    Ok(())
}

#[test]
fn every_crate_in_the_modules_comes_with_its_licence() -> Result<()> {
    let mut tree = workspace::cargo();
    tree.args([
        "tree",
        "--package",
        "web",
        "--features",
        "cpu,webgpu,training-webgpu",
    ])
    .args(["--target", "wasm32-unknown-unknown"])
    .args(["--edges", "normal,no-proc-macro"])
    .args(["--prefix", "none", "--format", "{p}"]);
    let tree = said(&mut tree)?;
    let licences = fs::read_to_string(workspace::dist().join("THIRD-PARTY-LICENCES.txt"))?;
    let first_words = |line: &str| {
        line.split_whitespace()
            .take(2)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let listed: BTreeSet<String> = licences.lines().map(first_words).collect();
    // "name v1.2.3", and a path behind those of this workspace.
    let crates = tree.lines().filter(|line| !line.contains('/'));
    let mut seen = 0;
    for line in crates {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, version, ..] = words[..] else {
            continue;
        };
        let version = version.trim_start_matches('v');
        ensure!(
            listed.contains(&format!("{name} {version}")),
            "{name} {version} is not in THIRD-PARTY-LICENCES.txt; run `cargo xtask licences`"
        );
        seen += 1;
    }
    ensure!(seen > 20, "only {seen} crates:\n{tree}");
    Ok(())
}
