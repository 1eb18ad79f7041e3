//! Pairs out of single photos: the photo is the target, the input is computed from it.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use image::RgbImage;
use image::imageops::{self, FilterType};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::data::error::{DataError, FolderProblem};
use crate::data::pair::{Pair, Sampling};
use crate::data::sample::augment::Crop;
use crate::data::sample::bands::Bands;
use crate::data::sample::blur::{Blur, RADII};
use crate::data::sample::degrade::{edges, low_resolution, with_holes};
use crate::data::sample::frame::Frame;
use crate::data::sample::raster::{PairFormat, SampleFormat};
use crate::data::sample::restore::{Fault, PARTS, draw_faults, draw_some_faults, with_faults};
use crate::data::source::files::{FileGroup, check_frame, keep_usable};
use crate::data::source::listing::{self, Split};
use crate::image_file;

/// What is undone to single photos.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhotoTask {
    /// Out of focus to sharp.
    Deblur,
    /// Lightness to colour, in CIELAB.
    Colorize,
    /// Lines to photo.
    Edges,
    /// Holes to whole photos. Holes are mid-grey, RGB 128: one to three rectangles or one to four
    /// strokes of a brush.
    Inpaint,
    /// Photos of a quarter of the resolution, at their old size, to the whole: the size stays,
    /// detail comes. `translate --enlarge 4` makes small images larger first.
    #[serde(rename = "super-resolve")]
    SuperResolve,
    /// Blur, low resolution, noise and JPEG, one to three of them by chance, to clean photos. Some
    /// inputs are clean already, so that such photos come out as they went in.
    Restore,
}

impl PhotoTask {
    /// Whether the input resembles the target so much that a correction is easiest to learn.
    pub fn corrects(self) -> bool {
        matches!(self, Self::Deblur | Self::SuperResolve | Self::Restore)
    }

    /// The name on the command line and in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deblur => "deblur",
            Self::Colorize => "colorize",
            Self::Edges => "edges",
            Self::Inpaint => "inpaint",
            Self::SuperResolve => "super-resolve",
            Self::Restore => "restore",
        }
    }
}

/// Photos and what is to be undone to them.
#[derive(Clone, Debug)]
pub struct Photos {
    folder: PathBuf,
    paths: Vec<PathBuf>,
    task: PhotoTask,
    format: PairFormat,
    /// What `restore` undoes, where it is not drawn by chance.
    faults: Option<&'static [Fault]>,
}

impl Photos {
    /// Photos below `folder`: its `train` and `val`, or all of them split 80/20 by `seed`.
    pub fn open(
        folder: &Path,
        task: PhotoTask,
        format: PairFormat,
        seed: u64,
    ) -> Result<Split<Self>, FolderProblem> {
        let (train, validation) = listing::split_images("--photos", folder, seed)?;
        let photos = |paths| Self {
            folder: folder.to_path_buf(),
            paths,
            task,
            format,
            faults: None,
        };
        Ok((photos(train), photos(validation)))
    }

    pub fn len(&self) -> usize {
        self.paths.len()
    }

    pub(crate) fn extend(&mut self, more: Self) {
        self.paths.extend(more.paths);
        self.paths.sort();
    }

    /// The same photos in each kind that `restore` mixes, by its name; none for other tasks.
    pub(crate) fn parts(&self) -> Vec<(&'static str, Self)> {
        let part = |(name, faults)| {
            let photos = Self {
                faults: Some(faults),
                ..self.clone()
            };
            (name, photos)
        };
        match self.task {
            PhotoTask::Restore => PARTS.map(part).into(),
            _ => Vec::new(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    pub fn format(&self) -> PairFormat {
        self.format
    }

    pub(crate) fn drop_unusable(&mut self, frame: Frame) -> Result<Vec<DataError>, DataError> {
        keep_usable(&mut self.paths, |path| {
            let header = image_file::header(path)?;
            SampleFormat::RGB.accept(path, header)?;
            let size = (header.width, header.height);
            check_frame(path, size, frame, frame.scaled_in_proportion(size))
        })
    }

    pub(crate) fn file_group(&self) -> FileGroup<'_> {
        FileGroup {
            name: "photos",
            paths: self.paths.iter().map(PathBuf::as_path).collect(),
            halves: vec![("photo", SampleFormat::RGB)],
        }
    }

    pub(crate) fn name(&self, index: usize) -> String {
        listing::stem(&self.paths[index])
    }

    pub(crate) fn pair(&self, index: usize, mut sampling: Sampling<'_>) -> Result<Pair, DataError> {
        let photo = image_file::read(&self.paths[index])?.into_rgb8();
        let size = sampling.frame().scaled_in_proportion(photo.dimensions());
        let photo = match photo.dimensions() == size {
            true => photo,
            false => imageops::resize(&photo, size.0, size.1, FilterType::CatmullRom),
        };
        let mut own = self.rng_of(index);
        let (rng, trains): (&mut ChaCha8Rng, bool) = match &mut sampling {
            Sampling::Jitter { rng, .. } => (rng, true),
            Sampling::Fixed { .. } => (&mut own, false),
        };
        let spoilt = self.spoilt(&photo, rng, trains);
        let crop = Crop::choose(size, &mut sampling);
        let target = crop.cut(&Bands::from(photo));
        Ok(match spoilt {
            Some(spoilt) => Pair::encode(&crop.cut(&spoilt.into()), &target, self.format),
            None => Pair::encode(&target, &target, self.format),
        })
    }

    /// The whole photo before the crop, so that light from beyond its edge arrives; `None` where
    /// the encoding of input and target is all the difference.
    fn spoilt(&self, photo: &RgbImage, rng: &mut ChaCha8Rng, trains: bool) -> Option<RgbImage> {
        // Relative to the photo, so that scale and crop change nothing about how blurred it is.
        let side = photo.width().min(photo.height());
        match self.task {
            PhotoTask::Deblur => Some(Blur::draw(rng, RADII, side).apply(photo)),
            PhotoTask::Colorize => None,
            PhotoTask::Edges => Some(edges(photo)),
            PhotoTask::Inpaint => Some(with_holes(photo, rng)),
            PhotoTask::SuperResolve => Some(low_resolution(photo)),
            PhotoTask::Restore => {
                let faults = match self.faults {
                    Some(faults) => faults.to_vec(),
                    // Clean inputs, with their infinite PSNR, would drown the others in a mean.
                    None if trains => draw_faults(rng),
                    None => draw_some_faults(rng),
                };
                Some(with_faults(photo, &faults, rng))
            }
        }
    }

    /// A validation photo is spoilt the same way in every run: its path inside the folder is
    /// the seed.
    fn rng_of(&self, index: usize) -> ChaCha8Rng {
        let path = &self.paths[index];
        let inside = path.strip_prefix(&self.folder).unwrap_or(path);
        let name = inside.to_string_lossy().replace('\\', "/");
        let digest = model::weights::sha256_hex(name.as_bytes());
        ChaCha8Rng::seed_from_u64(u64::from_str_radix(&digest[..16], 16).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    #[test]
    fn some_inputs_of_restore_are_clean_in_training_and_none_in_validation() {
        const COUNT: u64 = 40;
        let folder = tempfile::tempdir().expect("a folder");
        let waves = |x, y| Rgb([(x * 8) as u8, (y * 8) as u8, ((x ^ y) * 8) as u8]);
        for index in 0..COUNT {
            let path = folder.path().join(format!("{index}.png"));
            RgbImage::from_fn(32, 32, waves)
                .save(path)
                .expect("an image");
        }
        let format = PairFormat {
            input: SampleFormat::RGB,
            target: SampleFormat::RGB,
        };
        let opened = Photos::open(folder.path(), PhotoTask::Restore, format, 0);
        let (mut photos, more) = opened.expect("photos");
        photos.extend(more);
        let frame = Frame::square(32);
        let clean = (0..COUNT).filter(|&seed| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let sampling = Sampling::Jitter {
                frame,
                flip: true,
                rng: &mut rng,
            };
            let pair = photos.pair(0, sampling).expect("a pair");
            pair.real_a == pair.real_b
        });
        assert!((1..COUNT as usize).contains(&clean.count()));
        for index in 0..photos.len() {
            let sampling = || Sampling::Fixed { frame };
            let pair = photos.pair(index, sampling()).expect("a pair");
            assert_ne!(pair.real_a, pair.real_b);
            assert_eq!(pair, photos.pair(index, sampling()).expect("a pair"));
        }
    }
}
