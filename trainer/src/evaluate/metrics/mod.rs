//! How close an image is to its target: L1, PSNR and SSIM of what people see, 8 bits a sample,
//! and the errors of depths in their own unit.

mod columns;
pub mod cycle;
mod depth;
pub mod perceptual;
mod spectrum;
mod ssim;
mod weave;

use model::pixels::to_byte;
use model::{Encoding, Raster};
use serde::{Deserialize, Serialize};

use crate::data::Pair;
use crate::data::sample::raster::Mask;
use ssim::Plane;

pub use columns::{Better, COLUMNS, Column};
pub use depth::DepthMetrics;

/// PSNR of equal images, which is infinite.
const PSNR_CEILING: f64 = 100.0;

/// Distances of an image from its target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Mean absolute difference, 0 to 1.
    pub l1: f64,
    /// Peak signal-to-noise ratio in dB; 100 for equal images.
    pub psnr: f64,
    /// Structural similarity, -1 to 1 (Wang et al. 2004; Gaussian window, mean over channels).
    pub ssim: f64,
    /// SSIM over five scales, 0 to 1 (Wang, Simoncelli, Bovik 2003); only of images whose
    /// sides have more than 160 pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms_ssim: Option<f64>,
    /// Texture where the target has none: standard deviation of luminance, 0 to 255, in the blocks
    /// of 8 × 8 pixels where the target's is below 3, each without its plane. Of grey and RGB
    /// images that have such blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weave: Option<f64>,
    /// How far the fine texture is from the target's: mean distance in dB between their spectra,
    /// over periods of 2 to 16 pixels. Of grey and RGB images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spectrum: Option<f64>,
    /// How different people would find them (LPIPS 0.1 of AlexNet), where its weights are given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lpips: Option<f64>,
    /// Fréchet Inception distance, of whole sets alone, where its weights are given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fid: Option<f64>,
    /// Errors of depth, where the images are depths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<DepthMetrics>,
}

/// What was made of one pair.
#[derive(Clone, Debug, Serialize)]
pub struct Judged {
    /// Name of the pair.
    pub name: String,
    /// The output against the target.
    pub output: Metrics,
    /// The untouched input against the target.
    pub input: Metrics,
}

/// Mean metrics over a set, and those of the untouched inputs beside them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Images judged.
    pub count: usize,
    /// The generator's outputs.
    pub output: Metrics,
    /// The inputs as they are.
    pub input: Metrics,
}

impl Metrics {
    /// Compares images of equal size, both as [`Encoding::shown`] gives them; if their numbers
    /// of channels differ, as RGB. Only pixels of `mask` count. SSIM is that of the images
    /// with equal pixels where the mask has none.
    pub fn between(image: &Raster, target: &Raster, mask: Option<&Mask>) -> Self {
        let (image, target) = match image.channels() == target.channels() {
            true => (Bytes::new(image, mask), Bytes::new(target, mask)),
            false => (
                Bytes::new(&image.to_rgb(), mask),
                Bytes::new(&target.to_rgb(), mask),
            ),
        };
        let (mut absolute, mut squared) = (0.0, 0.0);
        for (&a, &b) in image.samples().zip(target.samples()) {
            let difference = f64::from(a) - f64::from(b);
            absolute += difference.abs();
            squared += difference * difference;
        }
        let per_channel = mask.map_or(target.width * target.height, Mask::count);
        let count = (per_channel * target.planes.len()).max(1) as f64;
        let mse = squared / count;
        let psnr = match mse > 0.0 {
            true => 10.0 * (255.0 * 255.0 / mse).log10(),
            false => PSNR_CEILING,
        };
        let planes = || image.wide_planes().zip(target.wide_planes());
        let per_channel = |of: &dyn Fn(&Plane, &Plane) -> Option<f64>| -> Option<f64> {
            let each: Option<Vec<f64>> = planes().map(|(a, b)| of(&a, &b)).collect();
            each.map(|each| each.iter().sum::<f64>() / each.len().max(1) as f64)
        };
        let too_small = if image == target { 1.0 } else { f64::NAN };
        Self {
            l1: absolute / count / 255.0,
            psnr: psnr.min(PSNR_CEILING),
            ssim: per_channel(&ssim::ssim).unwrap_or(too_small),
            ms_ssim: per_channel(&ssim::ms_ssim),
            weave: image.texture(&target, mask, weave::weave),
            spectrum: image.texture(&target, mask, spectrum::spectrum),
            ..Self::default()
        }
    }

    /// Compares an output, and the untouched input, with the pair's target.
    pub fn of_pair(fake_b: &Raster, pair: &Pair, encodings: (Encoding, Encoding)) -> (Self, Self) {
        Shown::new(fake_b, pair, encodings).metrics()
    }

    fn mean(all: &[Self]) -> Self {
        let count = all.len().max(1) as f64;
        let mean = |field: fn(&Self) -> f64| all.iter().map(field).sum::<f64>() / count;
        let mean_of_all = |field: fn(&Self) -> Option<f64>| {
            let sum = all.iter().map(field).sum::<Option<f64>>();
            sum.filter(|_| !all.is_empty()).map(|sum| sum / count)
        };
        let mean_where_measured = |field: fn(&Self) -> Option<f64>| {
            let values: Vec<f64> = all.iter().filter_map(field).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        Self {
            l1: mean(|metrics| metrics.l1),
            psnr: mean(|metrics| metrics.psnr),
            ssim: mean(|metrics| metrics.ssim),
            ms_ssim: mean_of_all(|metrics| metrics.ms_ssim),
            weave: mean_where_measured(|metrics| metrics.weave),
            spectrum: mean_where_measured(|metrics| metrics.spectrum),
            lpips: mean_of_all(|metrics| metrics.lpips),
            fid: None,
            depth: DepthMetrics::mean(all.iter().filter_map(|metrics| metrics.depth).collect()),
        }
    }
}

impl Evaluation {
    /// Means over rows.
    pub fn from_rows(rows: &[Judged]) -> Self {
        let column = |pick: fn(&Judged) -> Metrics| {
            Metrics::mean(&rows.iter().map(pick).collect::<Vec<_>>())
        };
        Self {
            count: rows.len(),
            output: column(|row| row.output),
            input: column(|row| row.input),
        }
    }
}

/// A pair, and what was made of it, as people see them.
pub struct Shown<'a> {
    /// What was made of the input.
    pub output: Raster,
    /// The untouched input.
    pub input: Raster,
    pub target: Raster,
    /// Where the target counts; everywhere if there is none.
    pub mask: Option<&'a Mask>,
    fake_b: &'a Raster,
    pair: &'a Pair,
    encodings: (Encoding, Encoding),
}

impl<'a> Shown<'a> {
    /// Rasters in the encodings of input and target as images.
    pub fn new(fake_b: &'a Raster, pair: &'a Pair, encodings: (Encoding, Encoding)) -> Self {
        let (input, target) = encodings;
        Self {
            output: target.shown(fake_b, &pair.real_a).into_owned(),
            input: input.shown(&pair.real_a, &pair.real_a).into_owned(),
            target: target.shown(&pair.real_b, &pair.real_a).into_owned(),
            mask: pair.mask.as_ref(),
            fake_b,
            pair,
            encodings,
        }
    }

    /// Of the output and of the untouched input, against the target.
    pub fn metrics(&self) -> (Metrics, Metrics) {
        let (input, target) = self.encodings;
        let against_target = |shown: &Raster, raster: &Raster, encoding: Encoding| {
            let mut metrics = Metrics::between(shown, &self.target, self.mask);
            if let (Encoding::Depth { .. }, Encoding::Depth { max }) = (encoding, target) {
                let real_b = &self.pair.real_b;
                metrics.depth = Some(DepthMetrics::between(raster, real_b, self.mask, max));
            }
            metrics
        };
        (
            against_target(&self.output, self.fake_b, target),
            against_target(&self.input, &self.pair.real_a, input),
        )
    }
}

/// An image as bytes, plane by plane; 0 where a mask leaves pixels out.
#[derive(PartialEq)]
struct Bytes {
    width: usize,
    height: usize,
    planes: Vec<Vec<u8>>,
}

impl Bytes {
    fn new(raster: &Raster, mask: Option<&Mask>) -> Self {
        let counts = |index: usize| mask.is_none_or(|mask| mask.valid()[index]);
        let byte = |(index, &unit): (usize, &f32)| match counts(index) {
            true => to_byte(unit),
            false => 0,
        };
        let plane = |channel| raster.plane(channel).iter().enumerate().map(byte).collect();
        Self {
            width: raster.width(),
            height: raster.height(),
            planes: (0..raster.channels()).map(plane).collect(),
        }
    }

    fn wide_planes(&self) -> impl Iterator<Item = Plane> {
        let wide = |plane: &Vec<u8>| plane.iter().map(|&byte| f64::from(byte)).collect();
        let planes = self.planes.iter();
        planes.map(move |plane| Plane::new(self.width, wide(plane)))
    }

    /// Of ITU-R BT.709; `None` where channels are no colours.
    fn luminance(&self) -> Option<Vec<f64>> {
        match self.planes.as_slice() {
            [grey] => Some(grey.iter().map(|&grey| f64::from(grey)).collect()),
            [r, g, b] => {
                let pixels = r.iter().zip(g).zip(b);
                let luminance = pixels.map(|((&r, &g), &b)| {
                    0.2126 * f64::from(r) + 0.7152 * f64::from(g) + 0.0722 * f64::from(b)
                });
                Some(luminance.collect())
            }
            _ => None,
        }
    }

    /// A measure of luminance and the image's width, of whole images alone.
    fn texture(
        &self,
        target: &Self,
        mask: Option<&Mask>,
        measure: fn(&[f64], &[f64], usize) -> Option<f64>,
    ) -> Option<f64> {
        match mask {
            None => measure(&self.luminance()?, &target.luminance()?, self.width),
            Some(_) => None,
        }
    }

    fn samples(&self) -> impl Iterator<Item = &u8> {
        self.planes.iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};

    fn raster(byte: impl FnMut() -> u8) -> Raster {
        let units =
            std::iter::repeat_with(byte).map(|byte| model::pixels::to_unit(f32::from(byte)));
        Raster::from_planes(32, 24, units.take(3 * 32 * 24).collect())
    }

    fn noise(seed: u64) -> Raster {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        raster(|| rng.random())
    }

    #[test]
    fn an_image_equals_itself() {
        let metrics = Metrics::between(&noise(1), &noise(1), None);
        assert_eq!((metrics.l1, metrics.psnr), (0.0, 100.0));
        assert!((metrics.ssim - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_difference_of_one_grey_level_has_the_psnr_of_the_formula() {
        let metrics = Metrics::between(&raster(|| 100), &raster(|| 101), None);
        assert!((metrics.psnr - 48.1308).abs() < 1e-3);
        assert!((metrics.l1 - 1.0 / 255.0).abs() < 1e-9);
    }

    #[test]
    fn unrelated_noise_has_little_structure_in_common() {
        assert!(Metrics::between(&noise(1), &noise(900), None).ssim < 0.3);
    }

    /// Depths 100 to 400 of at most 1000 whose every third pixel was not measured.
    fn sparse(unmeasured: f32) -> Pair {
        let valid: Vec<bool> = (0..32 * 24).map(|index| index % 3 != 0).collect();
        let depth = |index: usize| (100 + index % 301) as f32 / 500.0 - 1.0;
        let values = valid.iter().enumerate();
        let values = values.map(|(index, &valid)| if valid { depth(index) } else { unmeasured });
        let real_b = Raster::from_planes(32, 24, values.collect());
        Pair {
            real_a: Raster::from_planes(32, 24, vec![-1.0; 32 * 24]),
            real_b,
            mask: Some(Mask::new(valid)),
        }
    }

    #[test]
    fn what_was_not_measured_counts_in_no_metric() {
        const DEPTH: Encoding = Encoding::Depth { max: 1000 };
        let fake_b = noise(3).select(&[0]);
        let judged = |unmeasured| Metrics::of_pair(&fake_b, &sparse(unmeasured), (DEPTH, DEPTH));
        assert_eq!(judged(-1.0), judged(0.7));
        assert!(judged(-1.0).0.depth.expect("depths").mae > 50.0);
        let exact = sparse(0.3).real_b;
        let (output, input) = Metrics::of_pair(&exact, &sparse(-1.0), (DEPTH, DEPTH));
        assert_eq!((output.l1, output.psnr), (0.0, 100.0));
        let depth = output.depth.expect("depths");
        assert_eq!((depth.mae, depth.delta1), (0.0, 1.0));
        assert_eq!(input.depth.expect("depths").delta1, 0.0);
    }
}
