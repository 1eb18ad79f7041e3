//! Metrics that networks make, for whoever has their weights: LPIPS of an image, and the Fréchet
//! Inception distance of a set. Networks and distances lie beside it.

mod alexnet;
mod frechet;
mod inception;
mod layers;
mod matrix;
mod weights;

use std::path::PathBuf;

use burn::tensor::Device;
use image::RgbImage;
use model::Raster;

use super::{Evaluation, Shown};
use crate::data::sample::raster::Mask;
use crate::evaluate::metrics::Judged;
use crate::image_file::grid::painted;

pub use alexnet::Lpips;
pub use frechet::{FeatureRows, frechet_distance};
pub use inception::{FEATURES, Inception};
pub use weights::PerceptualError;

/// Images under which FID is too high to compare with those of other numbers.
pub const FEW_IMAGES: usize = FEATURES;

/// Judges outputs, and the untouched inputs, beside their targets.
#[derive(Debug, Default)]
pub struct Perceptual {
    lpips: Option<Lpips>,
    fid: Option<Fid>,
}

/// Features of all images so far.
#[derive(Debug)]
struct Fid {
    network: Inception,
    output: FeatureRows,
    input: FeatureRows,
    target: FeatureRows,
}

impl Perceptual {
    /// The networks whose weights are named: for LPIPS one file or two, see [`Lpips::load`].
    pub fn load(
        lpips: &[PathBuf],
        fid: Option<&PathBuf>,
        device: &Device,
    ) -> Result<Self, PerceptualError> {
        let lpips = (!lpips.is_empty()).then(|| Lpips::load(lpips, device));
        let inception = fid.map(|file| Inception::load(file, device)).transpose()?;
        let rows = || FeatureRows::new(FEATURES);
        let fid = inception.map(|network| Fid {
            network,
            output: rows(),
            input: rows(),
            target: rows(),
        });
        Ok(Self {
            lpips: lpips.transpose()?,
            fid,
        })
    }

    /// Judges one pair, as people see it: its LPIPS go into `row`. What a mask leaves out is black
    /// in all three images.
    pub fn observe(&mut self, shown: &Shown, row: &mut Judged) -> Result<(), PerceptualError> {
        if self.lpips.is_none() && self.fid.is_none() {
            return Ok(());
        }
        let image = |raster: &Raster| rgb(raster, shown.mask);
        let (output, input) = (image(&shown.output)?, image(&shown.input)?);
        let target = image(&shown.target)?;
        if let Some(lpips) = &self.lpips {
            let distances = lpips.distances(&[&output, &input], &target)?;
            row.output.lpips = distances.first().copied();
            row.input.lpips = distances.get(1).copied();
        }
        if let Some(fid) = &mut self.fid {
            let features = fid.network.features(&[&output, &input, &target]);
            let sets = [&mut fid.output, &mut fid.input, &mut fid.target];
            for (set, features) in sets.into_iter().zip(features.chunks(FEATURES)) {
                set.extend(features);
            }
        }
        Ok(())
    }

    /// Adds what is of all images together, and gives a warning if that is little.
    pub fn finish(&self, evaluation: &mut Evaluation) -> Option<String> {
        let fid = self.fid.as_ref()?;
        // Of thousands of images each takes half a minute.
        (evaluation.output.fid, evaluation.input.fid) = std::thread::scope(|scope| {
            let output = scope.spawn(|| frechet_distance(&fid.output, &fid.target));
            let input = frechet_distance(&fid.input, &fid.target);
            (output.join().ok().flatten(), input)
        });
        let count = fid.target.rows();
        match count {
            0 | 1 => Some(format!(
                "FID needs two images or more, there are {count}; add validation images"
            )),
            2..FEW_IMAGES => Some(format!(
                "FID of {count} images is too high by an amount that depends on their number; \
                 compare it with FIDs of as many images alone, or use {FEW_IMAGES} or more"
            )),
            _ => None,
        }
    }
}

fn rgb(shown: &Raster, mask: Option<&Mask>) -> Result<RgbImage, PerceptualError> {
    let channels = shown.channels();
    if channels != 1 && channels != 3 {
        return Err(PerceptualError::Channels(channels));
    }
    let mut image = painted(shown);
    if let Some(mask) = mask {
        for (pixel, &valid) in image.pixels_mut().zip(mask.valid()) {
            if !valid {
                *pixel = image::Rgb([0; 3]);
            }
        }
    }
    Ok(image)
}
