//! Pairs out of single photos: the photo is the target, the input is computed from it.

use std::path::{Path, PathBuf};

use image::{GrayImage, Rgb, RgbImage};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::config::PhotoTask;
use crate::data::augment::{Crop, scaled_to_short_side};
use crate::data::blur::Blur;
use crate::data::folders::{self, FolderProblem, Split};
use crate::data::source::{DataError, Pair, Sampling};
use crate::picture;

/// Photos and what is to be undone to them.
#[derive(Clone, Debug)]
pub struct Photos {
    folder: PathBuf,
    paths: Vec<PathBuf>,
    task: PhotoTask,
}

impl Photos {
    /// Photos below `folder`: its `train` and `val`, or all of them split 80/20 by `seed`.
    ///
    /// # Errors
    /// [`FolderProblem`]: missing folder, no pictures.
    pub fn open(folder: &Path, task: PhotoTask, seed: u64) -> Result<Split<Self>, FolderProblem> {
        let (train, validation) = folders::split_pictures("--photos", folder, seed)?;
        let photos = |paths| Self {
            folder: folder.to_path_buf(),
            paths,
            task,
        };
        Ok((photos(train), photos(validation)))
    }

    /// Number of photos.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether there is no photo.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    pub(crate) fn drop_unreadable(&mut self) -> Vec<DataError> {
        let mut problems = Vec::new();
        self.paths.retain(|path| match picture::dimensions(path) {
            Ok(_) => true,
            Err(error) => {
                problems.push(error.into());
                false
            }
        });
        problems
    }

    pub(crate) fn name(&self, index: usize) -> String {
        folders::stem(&self.paths[index])
    }

    pub(crate) fn pair(&self, index: usize, mut sampling: Sampling<'_>) -> Result<Pair, DataError> {
        let photo = picture::read(&self.paths[index])?.to_rgb8();
        let photo = scaled_to_short_side(&photo, sampling.load_size());
        // Relative to the photo, so that scale and crop change nothing about how blurred it is.
        let side = photo.width().min(photo.height());
        let mut own = self.rng_of(index);
        let rng: &mut ChaCha8Rng = match &mut sampling {
            Sampling::Jitter { rng, .. } => rng,
            Sampling::Fixed { .. } => &mut own,
        };
        let computed = match self.task {
            // Blurred before the crop, so that light from beyond its edge arrives.
            PhotoTask::Deblur => Blur::draw(rng, side).apply(&photo),
            PhotoTask::Colorize => grey(&photo),
            PhotoTask::Edges => edges(&photo),
        };
        let crop = Crop::choose(photo.width(), photo.height(), sampling);
        Ok(Pair {
            real_a: crop.cut(&computed),
            real_b: crop.cut(&photo),
        })
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

fn grey(photo: &RgbImage) -> RgbImage {
    let luma: GrayImage = image::imageops::grayscale(photo);
    RgbImage::from_fn(photo.width(), photo.height(), |x, y| {
        Rgb([luma.get_pixel(x, y)[0]; 3])
    })
}

/// Dark lines on white where the brightness changes (Canny, after a slight blur).
fn edges(photo: &RgbImage) -> RgbImage {
    const SIGMA: f32 = 1.0;
    const LOW: f32 = 40.0;
    const HIGH: f32 = 100.0;
    let luma = image::imageops::blur(&image::imageops::grayscale(photo), SIGMA);
    let lines = imageproc::edges::canny(&luma, LOW, HIGH);
    RgbImage::from_fn(photo.width(), photo.height(), |x, y| {
        Rgb([255 - lines.get_pixel(x, y)[0]; 3])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grey_picture_keeps_its_brightness_and_loses_its_colour() {
        let photo = RgbImage::from_pixel(4, 4, Rgb([200, 30, 90]));
        let pixel = *grey(&photo).get_pixel(1, 1);
        assert!(pixel[0] == pixel[1] && pixel[1] == pixel[2]);
        assert!((60..=110).contains(&pixel[0]));
    }

    #[test]
    fn edges_are_dark_lines_where_the_brightness_changes() {
        let photo = RgbImage::from_fn(40, 40, |x, _| Rgb([if x < 20 { 20 } else { 230 }; 3]));
        let lines = edges(&photo);
        assert_eq!(*lines.get_pixel(5, 20), Rgb([255; 3]));
        assert!((17..23).any(|x| *lines.get_pixel(x, 20) == Rgb([0; 3])));
    }
}
