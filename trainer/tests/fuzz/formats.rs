//! Every format that comes from others: valid files of it, how they are changed, and the reader
//! that a user's command calls.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use burn::tensor::Device;
use flate2::Compression;
use flate2::write::GzEncoder;
use image::{DynamicImage, ImageFormat};
use model::Engine;
use model::manifest::InputMode;
use model::state::state_of;
use model::weights::sha256_hex;
use model::{GeneratorArch, GeneratorConfig, NormKind, NormStats, Raster, WeightsDtype};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use trainer::convert::export::Naming;
use trainer::convert::export_pytorch::export_pytorch;
use trainer::convert::import::{ImportOptions, import_checkpoint};
use trainer::data::direction::Direction;
use trainer::data::fetch::{Limits, unpack};
use trainer::image_file;
use trainer::image_file::Samples;
use trainer::pytorch::{Entry, Given, state_dict_bytes, unfit};
use trainer::run_folder::RunFolder;
use trainer::translate::load_model;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::mutate;

type Outcome = Result<(), String>;

/// A kind of file.
pub struct Format {
    pub name: &'static str,
    /// Folders or files with valid ones, inside the folder of all of them.
    valid: &'static [&'static str],
    /// Changes a copy.
    change: fn(&Path, &mut ChaCha8Rng),
    read: fn(&Path) -> Outcome,
    /// Bytes of memory that reading may take.
    pub memory: u64,
}

const MIB: u64 = 1 << 20;
/// Images may be decoded to a GiB, and once more when their bands are parted.
const OF_IMAGE: u64 = 2600 * MIB;

pub const FORMATS: &[Format] = &[
    image_format("png", &["a.png", "b.png", "c.png"], |path, rng| {
        change_file(path, rng, |file, rng| {
            mutate::bytes(file, rng);
            mutate::repair_png(file);
        });
    }),
    image_format("jpeg", &["a.jpg", "b.jpg"], change_bytes),
    image_format("gif", &["a.gif"], change_bytes),
    image_format("webp", &["a.webp", "b.webp"], change_bytes),
    image_format("bmp", &["a.bmp", "b.bmp"], change_bytes),
    image_format("tiff", &["a.tiff", "b.tiff", "c.tif"], change_bytes),
    format("manifest", &["f32", "q8"], change_manifest, read_model),
    format("weights", &["f32", "f16", "q8"], change_weights, read_model),
    format("pth", &["netG.pth"], change_zip, read_checkpoint),
    format("pict", &["tiny.pict"], change_bytes, read_checkpoint),
    format(
        "onnx",
        &["unet_of_image_ts.onnx", "resnet_instance_ts.onnx"],
        change_bytes,
        read_checkpoint,
    ),
    format(
        "safetensors",
        &["netG.safetensors"],
        change_safetensors,
        read_checkpoint,
    ),
    format("zip", &["a.zip", "b.zip"], change_zip, read_archive),
    format("tar", &["a.tar"], change_tar, read_archive),
    format(
        "tar.gz",
        &["a.tar"],
        |path, rng| {
            change_tar(path, rng);
            change_file(path, rng, |file, rng| {
                *file = gz(file);
                if rng.random_bool(0.1) {
                    mutate::bytes(file, rng);
                }
            });
        },
        read_archive,
    ),
    format("checkpoint", &["run"], change_checkpoint, read_run),
    format(
        "config",
        &["run"],
        |path, rng| {
            change_file(&path.join("config.json"), rng, mutate::json);
        },
        read_config,
    ),
];

const fn format(
    name: &'static str,
    valid: &'static [&'static str],
    change: fn(&Path, &mut ChaCha8Rng),
    read: fn(&Path) -> Outcome,
) -> Format {
    let memory = 256 * MIB;
    Format {
        name,
        valid,
        change,
        read,
        memory,
    }
}

const fn image_format(
    name: &'static str,
    valid: &'static [&'static str],
    change: fn(&Path, &mut ChaCha8Rng),
) -> Format {
    Format {
        memory: OF_IMAGE,
        ..format(name, valid, change, read_image)
    }
}

impl Format {
    /// Puts a changed copy of a valid file into the empty folder `place`.
    pub fn make(&self, valid: &Path, place: &Path, rng: &mut ChaCha8Rng) {
        let name = self.valid[rng.random_range(0..self.valid.len())];
        copy(&valid.join(name), &place.join(name));
        (self.change)(&place.join(name), rng);
    }

    /// Reads what [`Self::make`] made. An error is a good end, too.
    pub fn read(&self, place: &Path) -> Outcome {
        let entry = fs::read_dir(place).expect("a folder").next();
        (self.read)(&entry.expect("an entry").expect("a name").path())
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        fs::copy(from, to).expect("room");
        return;
    }
    fs::create_dir(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let name = entry.expect("an entry").file_name();
        copy(&from.join(&name), &to.join(&name));
    }
}

// ---------------------------------------------------------------- changes

fn change_file(
    path: &Path,
    rng: &mut ChaCha8Rng,
    change: impl FnOnce(&mut Vec<u8>, &mut ChaCha8Rng),
) {
    let mut file = fs::read(path).expect("a file");
    change(&mut file, rng);
    fs::write(path, file).expect("room");
}

fn change_bytes(path: &Path, rng: &mut ChaCha8Rng) {
    change_file(path, rng, mutate::bytes);
}

fn change_tar(path: &Path, rng: &mut ChaCha8Rng) {
    change_file(path, rng, |file, rng| {
        // In a header, as often as not.
        let header = 512 * rng.random_range(0..file.len() / 512);
        match rng.random_bool(0.5) {
            true => {
                let mut block = file[header..header + 512].to_vec();
                mutate::bytes(&mut block, rng);
                block.resize(512, 0);
                file[header..header + 512].copy_from_slice(&block);
            }
            false => mutate::bytes(file, rng),
        }
        mutate::repair_tar(file);
    });
}

fn change_manifest(folder: &Path, rng: &mut ChaCha8Rng) {
    change_file(&folder.join("manifest.json"), rng, mutate::json);
}

fn change_weights(folder: &Path, rng: &mut ChaCha8Rng) {
    let path = folder.join("manifest.json");
    let mut manifest = json_of(&path);
    let name = manifest["weights"][0]["path"]
        .as_str()
        .expect("a path")
        .to_string();
    change_file(&folder.join(&name), rng, |file, rng| {
        mutate::bytes(file, rng);
        manifest["weights"][0]["bytes"] = json!(file.len());
        manifest["weights"][0]["sha256"] = json!(sha256_hex(file));
    });
    fs::write(path, manifest.to_string()).expect("room");
}

/// The archive as it is, or a file in it (the first one is the pickle of a `.pth`), packed again.
fn change_zip(path: &Path, rng: &mut ChaCha8Rng) {
    if rng.random_bool(0.3) {
        return change_bytes(path, rng);
    }
    change_file(path, rng, |file, rng| {
        let mut archive = ZipArchive::new(Cursor::new(file.as_slice())).expect("valid");
        let changed = match rng.random_bool(0.8) {
            true => 0,
            false => rng.random_range(0..archive.len()),
        };
        let mut packed = ZipWriter::new(Cursor::new(Vec::new()));
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).expect("valid");
            let mut content = Vec::new();
            entry.read_to_end(&mut content).expect("valid");
            if index == changed {
                mutate::bytes(&mut content, rng);
            }
            let options = SimpleFileOptions::default().compression_method(entry.compression());
            packed
                .start_file(entry.name().expect("a name"), options)
                .expect("room");
            packed.write_all(&content).expect("room");
        }
        let packed = packed.finish().expect("room").into_inner();
        *file = packed;
    });
}

/// The table with the right length before it, or the file as it is.
fn change_safetensors(path: &Path, rng: &mut ChaCha8Rng) {
    if rng.random_bool(0.3) {
        return change_bytes(path, rng);
    }
    change_file(path, rng, |file, rng| {
        let end = 8 + u64::from_le_bytes(file[..8].try_into().expect("eight")) as usize;
        let mut table = file[8..end].to_vec();
        mutate::json(&mut table, rng);
        let length = (table.len() as u64).to_le_bytes();
        *file = [&length[..], &table, &file[end..]].concat();
    });
}

/// A file of the newest checkpoint, and its entry in the list of all.
fn change_checkpoint(run: &Path, rng: &mut ChaCha8Rng) {
    let folder = run.join("checkpoints/00000002");
    let progress = folder.join("progress.json");
    if rng.random_bool(0.2) {
        return change_file(&progress, rng, mutate::json);
    }
    let mut list = json_of(&progress);
    let files = list["files"].as_object_mut().expect("files");
    let (name, entry) = files
        .iter_mut()
        .nth(rng.random_range(0..7))
        .expect("a file");
    change_file(&folder.join(name), rng, |file, rng| {
        mutate::bytes(file, rng);
        *entry = json!({ "bytes": file.len(), "sha256": sha256_hex(file) });
    });
    fs::write(progress, list.to_string()).expect("room");
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}

// ---------------------------------------------------------------- readers

fn text(error: impl ToString) -> String {
    error.to_string()
}

fn read_image(path: &Path) -> Outcome {
    let header = image_file::header(path);
    image_file::has_other_colors(path);
    image_file::read_bands(path).map_err(text)?;
    header.map(drop).map_err(text)
}

fn read_model(folder: &Path) -> Outcome {
    let (manifest, translator) = load_model(folder, &Engine::Cpu).map_err(text)?;
    let raster = Raster::from_planes(3, 2, vec![0.5; 6 * manifest.generator.config.in_channels]);
    translator.translate_raster(&raster).map_err(text)?;
    let file = folder.join("out.pth");
    export_pytorch(folder, None, &file).map(drop).map_err(text)
}

fn read_checkpoint(path: &Path) -> Outcome {
    let folder = path.with_extension("model");
    import_checkpoint(path, &options(WeightsDtype::F32), &folder)
        .map(drop)
        .map_err(text)
}

fn read_archive(path: &Path) -> Outcome {
    let folder = path.with_extension("unpacked");
    fs::create_dir(&folder).expect("a folder");
    let limits = Limits {
        bytes: 8 * MIB,
        entries: 100,
    };
    let (file, stop) = (File::open(path).expect("a file"), AtomicBool::new(false));
    unpack(&file, &folder, &limits, &stop, &mut |_| {})
        .map(drop)
        .map_err(text)
}

fn read_run(folder: &Path) -> Outcome {
    let run = RunFolder::open(folder);
    let config = run.config().map_err(text)?;
    let device = Device::flex();
    let generator = run.latest_generator(&config, Direction::BtoA, &device);
    run.restore(&mut config.init(&device)).map_err(text)?;
    generator.map(drop).map_err(text)
}

/// As `export` does; `train` makes the networks that the settings describe, however wide.
fn read_config(folder: &Path) -> Outcome {
    let run = RunFolder::open(folder);
    let config = run.config().map_err(text)?;
    for direction in [Direction::AtoB, Direction::BtoA] {
        let generator = run.latest_generator(&config, direction, &Device::flex());
        generator.map(drop).map_err(text)?;
    }
    Ok(())
}

// ---------------------------------------------------------------- valid files

/// Valid files of every format, into `folder`; `train` makes a run of two steps of CycleGAN.
pub fn write_valid(folder: &Path, train: impl FnOnce(&Path)) {
    write_images(folder);
    let config = GeneratorConfig::new(GeneratorArch::Resnet6Blocks, 1, NormKind::Batch);
    let entries = unfit(&config, state_of(&config.init(&Device::flex()))).expect("known");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for name in [
        "pict/tiny.pict",
        "onnx/unet_of_image_ts.onnx",
        "onnx/resnet_instance_ts.onnx",
    ] {
        let (_, last) = name.split_once('/').expect("a folder");
        fs::copy(fixtures.join(name), folder.join(last)).expect("room");
    }
    let pth = folder.join("netG.pth");
    fs::write(&pth, state_dict_bytes(&entries).expect("room")).expect("room");
    fs::write(folder.join("netG.safetensors"), safetensors(&entries)).expect("room");
    for (name, dtype) in [
        ("f32", WeightsDtype::F32),
        ("f16", WeightsDtype::F16),
        ("q8", WeightsDtype::Q8),
    ] {
        import_checkpoint(&pth, &options(dtype), &folder.join(name)).expect("a model");
    }
    let mut tar = tar::Builder::new(Vec::new());
    // The second one needs a header of its own for its name.
    for name in [
        "train/a.txt".to_string(),
        "b/".repeat(60) + "b.txt",
        "c".to_string(),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(700);
        tar.append_data(&mut header, name, &[7u8; 700][..])
            .expect("room");
    }
    tar.append_pax_extensions([("path", &b"pax/name.txt"[..])])
        .expect("room");
    let mut header = tar::Header::new_ustar();
    header.set_size(5);
    tar.append_data(&mut header, "short", &[7u8; 5][..])
        .expect("room");
    fs::write(folder.join("a.tar"), tar.into_inner().expect("room")).expect("room");
    for (name, method) in [
        ("a.zip", CompressionMethod::Stored),
        ("b.zip", CompressionMethod::Deflated),
    ] {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(method);
        for name in ["train/a.txt", "b.txt"] {
            zip.start_file(name, options).expect("room");
            zip.write_all(&[7; 700]).expect("room");
        }
        fs::write(folder.join(name), zip.finish().expect("room").into_inner()).expect("room");
    }
    train(folder);
}

fn write_images(folder: &Path) {
    let rgba = DynamicImage::ImageRgba8(image::RgbaImage::from_fn(23, 17, |x, y| {
        image::Rgba([x as u8 * 9, y as u8 * 11, (x * y) as u8, 255 - x as u8])
    }));
    let (rgb, grey) = (
        DynamicImage::from(rgba.to_rgb8()),
        DynamicImage::from(rgba.to_luma8()),
    );
    let deep = DynamicImage::from(rgba.to_rgb16());
    for (name, image, format) in [
        ("a.png", &rgba, ImageFormat::Png),
        ("b.png", &deep, ImageFormat::Png),
        ("c.png", &grey, ImageFormat::Png),
        ("a.jpg", &rgb, ImageFormat::Jpeg),
        ("b.jpg", &grey, ImageFormat::Jpeg),
        ("a.gif", &rgba, ImageFormat::Gif),
        ("a.webp", &rgba, ImageFormat::WebP),
        ("b.webp", &rgb, ImageFormat::WebP),
        ("a.bmp", &rgb, ImageFormat::Bmp),
        ("b.bmp", &rgba, ImageFormat::Bmp),
        ("a.tiff", &rgb, ImageFormat::Tiff),
        ("b.tiff", &deep, ImageFormat::Tiff),
    ] {
        image
            .save_with_format(folder.join(name), format)
            .expect("room");
    }
    let bands = Samples::Words((0..23 * 17 * 5).collect());
    image_file::write_samples(&folder.join("c.tif"), (23, 17), bands).expect("room");
}

fn options(weights: WeightsDtype) -> ImportOptions {
    let (given, norm_stats) = (Given::default(), NormStats::Running);
    let naming = Naming {
        name: Some("x".to_string()),
        ..Naming::default()
    };
    ImportOptions {
        given,
        norm_stats,
        weights,
        mode: InputMode::Photo,
        naming,
    }
}

fn safetensors(entries: &BTreeMap<String, Entry>) -> Vec<u8> {
    let floats = entries.iter().filter_map(|(name, entry)| match entry {
        Entry::Floats(array) => {
            let bytes: Vec<u8> = array.values.iter().flat_map(|v| v.to_le_bytes()).collect();
            Some((name, array.shape.clone(), bytes))
        }
        Entry::Count(_) => None,
    });
    let floats: Vec<_> = floats.collect();
    let views = floats.iter().map(|(name, shape, bytes)| {
        (
            name,
            TensorView::new(Dtype::F32, shape.clone(), bytes).expect("fits"),
        )
    });
    safetensors::serialize(views, None).expect("room")
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("room");
    encoder.finish().expect("room")
}
