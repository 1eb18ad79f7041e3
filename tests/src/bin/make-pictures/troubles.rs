//! What goes wrong in trainings, in docs/pictures/troubles: small ones on drawn façades, each with one fault.
//! A picture has two rows of input, output and target.

use std::fs;

use anyhow::{Context, Result};
use image::DynamicImage;
use image::imageops::FilterType;
use tempfile::TempDir;
use tests::trainer;
use xtask::workspace;

use crate::easel::{Easel, Placed, Written};

const LIMIT: usize = 30_000;
const SIDE: u32 = 128;
const GAP: u32 = 4;

/// A training with a fault.
struct Trouble {
    name: &'static str,
    /// Drawn façades to learn from.
    pairs: u32,
    steps: u32,
    /// What brings the fault.
    flags: &'static [&'static str],
    /// The pairs that are shown.
    shown: [&'static str; 2],
    /// Side of the part of them that is shown, from the left upper corner.
    part: u32,
}

const UNSEEN: [&str; 2] = ["val/0000.png", "val/0001.png"];

#[rustfmt::skip]
const TROUBLES: [Trouble; 6] = [
    Trouble { name: "discriminator-won", pairs: 6, steps: 1000, flags: &["--base-d", "32", "--lr-d", "1e-3", "--lambda-l1", "10"], shown: UNSEEN, part: SIDE },
    Trouble { name: "collapsed", pairs: 6, steps: 600, flags: &["--lambda-l1", "0", "--lr", "1e-2"], shown: UNSEEN, part: SIDE },
    Trouble { name: "grid", pairs: 100, steps: 300, flags: &["--upsample", "transposed", "--lambda-l1", "10"], shown: UNSEEN, part: 48 },
    Trouble { name: "soft", pairs: 100, steps: 1000, flags: &["--lambda-gan", "0"], shown: UNSEEN, part: SIDE },
    Trouble { name: "wrong-details", pairs: 100, steps: 1000, flags: &["--lambda-l1", "1"], shown: UNSEEN, part: SIDE },
    Trouble { name: "by-heart", pairs: 3, steps: 1500, flags: &[], shown: ["train/0000.png", "val/0000.png"], part: SIDE },
];

pub fn make() -> Result<()> {
    let folder = workspace::root().join("docs/pictures/troubles");
    fs::create_dir_all(&folder)?;
    let mut easel = Easel::new()?;
    for trouble in &TROUBLES {
        let path = folder.join(trouble.name).with_extension("webp");
        fs::write(&path, picture(trouble, &mut easel)?)?;
        println!("{}", path.display());
    }
    Ok(())
}

fn picture(trouble: &Trouble, easel: &mut Easel) -> Result<Vec<u8>> {
    let home = tempfile::tempdir()?;
    train(trouble, &home)?;
    let run = home.path().join("run/export");
    let mut placed = Vec::new();
    for (row, pair) in (0..).zip(trouble.shown) {
        let path = home.path().join("facades").join(pair);
        let pair = image::open(&path).with_context(|| path.display().to_string())?;
        let input = home.path().join("input.png");
        pair.crop_imm(0, 0, SIDE, SIDE).save(&input)?;
        let target = pair.crop_imm(SIDE, 0, SIDE, SIDE);
        let output = DynamicImage::from(trainer::translate(&run, &input)?);
        for (column, image) in (0..).zip([image::open(&input)?, output, target]) {
            let shown = image.crop_imm(0, 0, trouble.part, trouble.part);
            let file = home.path().join(format!("{row}-{column}.png"));
            // Pixels are seen as squares.
            shown.resize(SIDE, SIDE, FilterType::Nearest).save(&file)?;
            let place = (column * (SIDE + GAP), row * (SIDE + GAP));
            placed.push(Placed::file(&file, place, (SIDE, SIDE))?);
        }
    }
    let size = (3 * (SIDE + GAP) - GAP, 2 * (SIDE + GAP) - GAP);
    easel.draw(size, &placed, Written::WebP(LIMIT))
}

/// Draws the façades, and trains on them.
fn train(trouble: &Trouble, home: &TempDir) -> Result<()> {
    let (data, run) = (home.path().join("facades"), home.path().join("run"));
    let (pairs, steps, size) = (
        trouble.pairs.to_string(),
        trouble.steps.to_string(),
        SIDE.to_string(),
    );
    trainer::run([
        "data".as_ref(),
        "demo".as_ref(),
        data.as_os_str(),
        "--count".as_ref(),
        pairs.as_ref(),
        "--size".as_ref(),
        size.as_ref(),
    ])?;
    let usual = [
        "--net-g", "unet_128", "--base", "8", "--device", "cpu", "--size", &size, "--steps", &steps,
    ];
    let folders = [
        "train".as_ref(),
        "--data".as_ref(),
        data.as_os_str(),
        "--run".as_ref(),
        run.as_os_str(),
    ];
    let flags = usual.iter().chain(trouble.flags).map(AsRef::as_ref);
    trainer::run(folders.into_iter().chain(flags)).map(drop)
}
