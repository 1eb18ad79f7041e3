//! The pictures of each model, in its folder `pictures`: what the page opens with, the card's thumbnail
//! and all samples on a sheet. Also draws the samples that are SVG files, and lists new models.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{pictures, trainer};
use xtask::workspace;

use crate::easel::{Easel, Placed, Written};

/// Bytes of a picture, at most: the page has one and a thumbnail for each model before anything is
/// asked for.
const LIMIT: usize = 30_000;
const THUMBNAIL: u32 = 128;
const CELL: u32 = 160;
const GAP: u32 = 4;
/// The group of strokes that an SVG sample begins without.
const LATER: (&str, &str) = ("<g id=\"later\">", "</g>");

/// A model that the page lists.
pub struct Listed {
    pub folder: PathBuf,
    /// The sample that the page opens with, within the folder.
    pub opening: String,
    samples: Vec<String>,
}

impl Listed {
    /// The sample that the page opens with, drawn to its end, as an image file.
    pub fn opening_image(&self) -> PathBuf {
        self.folder
            .join(&self.opening)
            .with_extension(match self.opening.ends_with(".svg") {
                true => "png",
                false => extension(&self.opening),
            })
    }

    fn picture(&self, name: &str) -> PathBuf {
        self.folder.join("pictures").join(name)
    }
}

/// Makes the pictures of all models, and writes the list anew.
pub fn make() -> Result<()> {
    let mut easel = Easel::new()?;
    for folder in fs::read_dir(workspace::www().join("models"))? {
        draw_samples(&folder?.path(), &mut easel)?;
    }
    for model in list()? {
        make_for(&model, &mut easel)
            .with_context(|| format!("no pictures of {}", model.folder.display()))?;
        println!("{}", model.folder.join("pictures").display());
    }
    Ok(())
}

/// The models of index.json, to which it adds those that are in a folder and not listed, and what
/// each opens with.
pub fn list() -> Result<Vec<Listed>> {
    let models = workspace::www().join("models");
    let path = models.join("index.json");
    let mut index = read_json(&path)?;
    let entries = index["models"]
        .as_array_mut()
        .context("index.json: no list of models")?;
    let mut folders: Vec<String> = fs::read_dir(&models)?
        .filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.to_owned()))
        .filter(|name| models.join(name).join("manifest.json").is_file())
        .collect();
    folders.sort();
    for name in folders {
        let manifest = format!("{name}/manifest.json");
        if !entries
            .iter()
            .any(|entry| entry["manifest"] == manifest.as_str())
        {
            let title = read_json(&models.join(&manifest))?["title"].clone();
            eprintln!("note: {name} is new in index.json; give it a summary and its place there");
            entries.push(json!({ "manifest": manifest, "title": title, "summary": "" }));
        }
    }
    let listed = entries
        .iter_mut()
        .map(|entry| listed(&models, entry))
        .collect::<Result<_>>()?;
    fs::write(&path, serde_json::to_string_pretty(&index)? + "\n")?;
    Ok(listed)
}

/// An entry's model. Where it does not say what it opens with, that is a drawing that is only begun,
/// or the first sample.
fn listed(models: &Path, entry: &mut Value) -> Result<Listed> {
    let manifest = entry["manifest"]
        .as_str()
        .context("index.json: a model without a manifest")?;
    let manifest = models.join(manifest);
    let folder = manifest.parent().unwrap_or(models).to_path_buf();
    let samples: Vec<String> = serde_json::from_value(read_json(&manifest)?["samples"].clone())
        .with_context(|| format!("{}: samples is no list", manifest.display()))?;
    ensure!(
        !samples.is_empty(),
        "{}: lists no samples",
        manifest.display()
    );
    let begun = samples
        .iter()
        .map(|sample| with_ending(sample, "svg"))
        .find(|drawing| {
            fs::read_to_string(folder.join(drawing)).is_ok_and(|text| text.contains(LATER.0))
        });
    let opening = match entry["opening"].as_str() {
        Some(opening) => opening.to_owned(),
        None => begun.unwrap_or_else(|| samples[0].clone()),
    };
    entry["opening"] = json!(opening);
    Ok(Listed {
        folder,
        opening,
        samples,
    })
}

fn make_for(model: &Listed, easel: &mut Easel) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    fs::create_dir_all(model.folder.join("pictures"))?;
    let mut sheet = Vec::new();
    for (column, sample) in (0..).zip(&model.samples) {
        let input = model.folder.join(sample);
        let output = translated(&model.folder, &input, scratch.path())?;
        for (row, path) in (0..).zip([&input, &output]) {
            let place = (column * (CELL + GAP), row * (CELL + GAP));
            sheet.push(Placed::file(path, place, (CELL, CELL))?);
        }
    }
    let width = model.samples.len() as u32 * (CELL + GAP) - GAP;
    let sheet = easel.draw((width, 2 * CELL + GAP), &sheet, Written::WebP(LIMIT))?;
    fs::write(model.picture("sheet.webp"), sheet)?;

    let input = model.opening_image();
    let output = translated(&model.folder, &input, scratch.path())?;
    let side = (THUMBNAIL, THUMBNAIL);
    let pair = [
        Placed::file(&input, (0, 0), side)?,
        Placed::file(&output, (THUMBNAIL, 0), side)?,
    ];
    let thumbnail = easel.draw((2 * THUMBNAIL, THUMBNAIL), &pair, Written::WebP(LIMIT / 3))?;
    fs::write(model.picture("thumbnail.webp"), thumbnail)?;

    let begun = begun_drawing(model, scratch.path(), easel)?;
    let output = match begun {
        Some(drawing) => translated(&model.folder, &drawing, scratch.path())?,
        None => output,
    };
    let size = pictures::load(&output)?.dimensions();
    let whole = [Placed::file(&output, (0, 0), size)?];
    let opening = easel.draw(size, &whole, Written::WebP(LIMIT))?;
    fs::write(model.picture("opening.webp"), opening)?;
    Ok(())
}

/// Draws each SVG sample into the PNG beside it.
fn draw_samples(folder: &Path, easel: &mut Easel) -> Result<()> {
    let Ok(samples) = fs::read_dir(folder.join("samples")) else {
        return Ok(()); // there are none
    };
    for sample in samples {
        let path = sample?.path();
        if path.extension().is_some_and(|ending| ending == "svg") {
            let text = fs::read_to_string(&path)?;
            fs::write(path.with_extension("png"), drawn(&text, easel)?)?;
        }
    }
    Ok(())
}

/// The drawing that the page opens with, without its later strokes; `None` if it is a whole image.
fn begun_drawing(model: &Listed, scratch: &Path, easel: &mut Easel) -> Result<Option<PathBuf>> {
    if !model.opening.ends_with(".svg") {
        return Ok(None);
    }
    let text = fs::read_to_string(model.folder.join(&model.opening))?;
    let begun = match text.split_once(LATER.0) {
        Some((before, rest)) => {
            let (_, after) = rest.split_once(LATER.1).context("the group has no end")?;
            format!("{before}{after}")
        }
        None => text,
    };
    let path = scratch.join("begun.png");
    fs::write(&path, drawn(&begun, easel)?)?;
    Ok(Some(path))
}

fn drawn(svg: &str, easel: &mut Easel) -> Result<Vec<u8>> {
    let number = |name: &str| -> Result<u32> {
        let found = svg
            .split_once(&format!(" {name}=\""))
            .and_then(|(_, rest)| rest.split('"').next());
        let found = found.with_context(|| format!("an SVG sample without a {name}"))?;
        Ok(found.parse()?)
    };
    let size = (number("width")?, number("height")?);
    easel.draw(size, &[Placed::svg(svg, size)], Written::Png)
}

/// Translates a file with a model, and returns the PNG that came of it.
pub fn translated(model: &Path, input: &Path, folder: &Path) -> Result<PathBuf> {
    let name = input.file_stem().context("a file has a name")?;
    let output = folder.join(name).with_extension("out.png");
    let [model, input, output_name] = [model, input, &output].map(|path| path.as_os_str());
    let words = [
        "translate".as_ref(),
        "--device=cpu".as_ref(),
        "--model".as_ref(),
        model,
        input,
    ];
    trainer::run([&words[..], &["--output".as_ref(), output_name]].concat())?;
    Ok(output)
}

fn with_ending(path: &str, ending: &str) -> String {
    Path::new(path).with_extension(ending).display().to_string()
}

fn extension(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or_default()
}

fn read_json(path: &Path) -> Result<Value> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no valid JSON", path.display()))
}
