//! What the networks do with the same few validation pairs each time: where the discriminator
//! sees fakes, and how the outputs vary. Nothing here judges; `run::watch` does.

use burn::tensor::{Device, Tensor};
use image::{GrayImage, Luma, imageops};
use model::training::{A_TO_B, B_TO_A, Gan, GanMode};
use model::{Encoding, Generator, Mode, Raster};
use serde::{Deserialize, Serialize};

use crate::config::TrainConfig;
use crate::data::direction::Direction;
use crate::data::sample::batch::rasters;
use crate::data::{Pair, PairSource, batch_of};
use crate::evaluate::judge::fixed_pairs;

/// Pairs whose outputs are compared with each other.
const PAIRS: usize = 8;
/// Pairs whose patches are drawn, side by side.
const MAPS: usize = 4;
/// Pixels of a patch, each way.
const PATCH_PIXELS: u32 = 8;
/// Pixels between maps.
const MAP_GAP: u32 = 8;
/// Side of the thumbnails that are compared with each other.
const THUMBNAIL: usize = 16;
/// Standard deviation, of values in `[-1, 1]`, of images that are all the same.
const SAME: f64 = 0.01;

/// What the networks do with a few validation pairs.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Snapshot {
    /// What the discriminators say of real and of fake images.
    #[serde(skip)]
    pub maps: Vec<PatchMaps>,
    /// How the outputs of each generator vary.
    pub outputs: Vec<OutputStatistics>,
}

/// What a discriminator says of some images, patch by patch.
#[derive(Clone, Debug)]
pub struct PatchMaps {
    /// `D/real`, `D/fake`; in CycleGAN `D_A/real`…
    pub name: String,
    /// A map for each image, side by side: white where it takes a patch for real, black where
    /// for fake.
    pub image: GrayImage,
}

/// How the outputs of a generator vary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputStatistics {
    /// `fake_B`, in CycleGAN also `fake_A`.
    pub name: String,
    /// Standard deviation between outputs of different inputs, as people see them, relative to that
    /// between the inputs or between real images, whichever is smaller: no output can vary more
    /// than what it is made from. `None` where inputs or real images are all the same.
    pub variety: Option<f64>,
    /// Correlation of output and target, -1 to 1; in CycleGAN, which has none, of output and
    /// input. `None` where one of them is flat or their channels differ.
    pub correlation: Option<f64>,
}

/// A generator and the discriminator that judges it.
struct Way<'a> {
    net_d: &'static str,
    fake: &'static str,
    direction: Direction,
    net_g: &'a Generator,
}

/// An image that went through a generator, and what it is compared with.
struct Translated {
    input: Raster,
    output: Raster,
    real: Raster,
    valid: Option<Vec<bool>>,
    /// What the input means, and what output and real image do.
    encodings: (Encoding, Encoding),
}

impl Translated {
    /// Input, output and real image as people see them, in cells; pixels that do not count are
    /// left out of the last two.
    fn thumbnails(&self) -> [Vec<f64>; 3] {
        let (input, target) = self.encodings;
        let valid = self.valid.as_deref();
        [
            thumbnail(&input.shown(&self.input, &self.input), None),
            thumbnail(&target.shown(&self.output, &self.input), valid),
            thumbnail(&target.shown(&self.real, &self.input), valid),
        ]
    }
}

impl Snapshot {
    /// Translates a few pairs of `source`, evenly chosen, and has them judged; pairs that cannot be made are
    /// left out.
    pub fn take(model: &Gan, config: &TrainConfig, source: &PairSource, device: &Device) -> Self {
        let frame = config.validation_frame();
        let pairs: Vec<Pair> = fixed_pairs(source, frame, PAIRS, |_| ()).collect();
        let back = model.generator(B_TO_A);
        let there = model.generator(A_TO_B);
        let paired = back.is_none();
        let ways = [
            (there, Direction::AtoB, if paired { "D" } else { "D_A" }),
            (back, Direction::BtoA, "D_B"),
        ];
        let mut snapshot = Self::default();
        for (net_g, direction, net_d) in ways {
            let Some(net_g) = &net_g else { continue };
            let fake = match direction {
                Direction::AtoB => "fake_B",
                Direction::BtoA => "fake_A",
            };
            let way = Way {
                net_d,
                fake,
                direction,
                net_g,
            };
            let encodings = direction.orient(source.encodings());
            snapshot.add(&way, model, config, (&pairs, encodings), paired, device);
        }
        snapshot
    }

    fn add(
        &mut self,
        way: &Way<'_>,
        model: &Gan,
        config: &TrainConfig,
        (pairs, encodings): (&[Pair], (Encoding, Encoding)),
        paired: bool,
        device: &Device,
    ) {
        let mode = Mode::Inference(config.norm_stats);
        let (mut real_maps, mut fake_maps, mut translated) = (Vec::new(), Vec::new(), Vec::new());
        for (index, pair) in pairs.iter().enumerate() {
            let batch = batch_of(std::slice::from_ref(pair), device);
            let (input, real) = way
                .direction
                .orient((batch.real_a.clone(), batch.real_b.clone()));
            let fake = way.net_g.forward(input.clone(), mode);
            if index < MAPS {
                let judged = |image: &Tensor<4>| model.logits(way.direction.index(), &input, image);
                real_maps.push(drawn(judged(&real), config.gan_mode));
                fake_maps.push(drawn(judged(&batch.masked(fake.clone())), config.gan_mode));
            }
            let raster = |tensor| rasters(tensor).into_iter().next().unwrap_or_default();
            translated.push(Translated {
                input: raster(input),
                output: raster(fake),
                real: raster(real),
                valid: pair.mask.as_ref().map(|mask| mask.valid().to_vec()),
                encodings,
            });
        }
        for (kind, maps) in [("real", real_maps), ("fake", fake_maps)] {
            if !maps.is_empty() {
                let name = format!("{}/{kind}", way.net_d);
                let image = side_by_side(&maps);
                self.maps.push(PatchMaps { name, image });
            }
        }
        self.outputs
            .push(OutputStatistics::of(way.fake, &translated, paired));
    }
}

impl OutputStatistics {
    fn of(name: &str, images: &[Translated], paired: bool) -> Self {
        let thumbnails: Vec<[Vec<f64>; 3]> = images.iter().map(Translated::thumbnails).collect();
        let spread_of = |side: usize| spread(thumbnails.iter().map(|all| all[side].as_slice()));
        let (inputs, output, real) = (spread_of(0), spread_of(1), spread_of(2));
        let varies = real > SAME && inputs > SAME;
        let reference: fn(&Translated) -> &Raster = match paired {
            true => |image| &image.real,
            false => |image| &image.input,
        };
        Self {
            name: name.to_string(),
            variety: varies.then(|| output / real.min(inputs)),
            correlation: correlation(images, reference),
        }
    }
}

/// Means of the cells of a raster as RGB, channel by channel, over the pixels that count.
fn thumbnail(raster: &Raster, valid: Option<&[bool]>) -> Vec<f64> {
    let raster = raster.to_rgb();
    let (width, height) = (raster.width(), raster.height());
    let cells = THUMBNAIL * THUMBNAIL;
    let mut accumulators = vec![(0.0, 0usize); raster.channels() * cells];
    for channel in 0..raster.channels() {
        for (index, &value) in raster.plane(channel).iter().enumerate() {
            if valid.is_some_and(|valid| !valid[index]) {
                continue;
            }
            let (x, y) = (index % width, index / width);
            let cell = (y * THUMBNAIL / height) * THUMBNAIL + x * THUMBNAIL / width;
            let (sum, count) = &mut accumulators[channel * cells + cell];
            *sum += f64::from(value);
            *count += 1;
        }
    }
    let mean = |(sum, count): (f64, usize)| sum / count.max(1) as f64;
    accumulators.into_iter().map(mean).collect()
}

/// Standard deviation between thumbnails, over all their cells.
fn spread<'a>(thumbnails: impl Iterator<Item = &'a [f64]>) -> f64 {
    let thumbnails: Vec<&[f64]> = thumbnails.collect();
    let cells = thumbnails.iter().map(|all| all.len()).min().unwrap_or(0);
    let count = thumbnails.len().max(1) as f64;
    let variance = |cell: usize| {
        let mean = thumbnails.iter().map(|all| all[cell]).sum::<f64>() / count;
        let squares = thumbnails.iter().map(|all| (all[cell] - mean).powi(2));
        squares.sum::<f64>() / count
    };
    ((0..cells).map(variance).sum::<f64>() / cells.max(1) as f64).sqrt()
}

/// Pearson's correlation of outputs and what they are compared with, each channel about its mean.
fn correlation(images: &[Translated], reference: fn(&Translated) -> &Raster) -> Option<f64> {
    let channels = images.first()?.output.channels();
    let (mut covariance, mut of_output, mut of_reference, mut samples) = (0.0, 0.0, 0.0, 0.0);
    for channel in 0..channels {
        let (mut n, mut x, mut y, mut xx, mut yy, mut xy) = (0.0f64, 0.0, 0.0, 0.0, 0.0, 0.0);
        for image in images {
            let compared = reference(image);
            if compared.channels() != channels || compared.pixels() != image.output.pixels() {
                return None;
            }
            let counts = |index: usize| image.valid.as_ref().is_none_or(|valid| valid[index]);
            let values = image.output.plane(channel).iter();
            let values = values.zip(compared.plane(channel)).enumerate();
            for (_, (&a, &b)) in values.filter(|(index, _)| counts(*index)) {
                let (a, b) = (f64::from(a), f64::from(b));
                n += 1.0;
                x += a;
                y += b;
                xx += a * a;
                yy += b * b;
                xy += a * b;
            }
        }
        let n = n.max(1.0);
        covariance += xy - x * y / n;
        of_output += xx - x * x / n;
        of_reference += yy - y * y / n;
        samples += n;
    }
    let flat = SAME * SAME * samples;
    let varies = of_output > flat && of_reference > flat;
    varies.then(|| covariance / (of_output * of_reference).sqrt())
}

/// Logits of one image, `[1, 1, height, width]`, as grey patches.
fn drawn(logits: Tensor<4>, gan_mode: GanMode) -> GrayImage {
    let [_, _, height, width] = logits.dims();
    let values: Vec<f32> = logits.into_data().iter::<f32>().collect();
    let image = GrayImage::from_fn(width as u32, height as u32, |x, y| {
        let logit = values[y as usize * width + x as usize];
        let real = match gan_mode {
            GanMode::Vanilla => 1.0 / (1.0 + (-logit).exp()),
            GanMode::Lsgan => logit,
            GanMode::Hinge => (logit + 1.0) / 2.0,
        };
        Luma([(real.clamp(0.0, 1.0) * 255.0).round() as u8])
    });
    let (width, height) = (width as u32 * PATCH_PIXELS, height as u32 * PATCH_PIXELS);
    imageops::resize(&image, width, height, imageops::FilterType::Nearest)
}

fn side_by_side(maps: &[GrayImage]) -> GrayImage {
    let width: u32 = maps.iter().map(|map| map.width() + MAP_GAP).sum();
    let height = maps.iter().map(GrayImage::height).max().unwrap_or(0);
    let mut all = GrayImage::from_pixel(width.saturating_sub(MAP_GAP), height, Luma([128]));
    let mut left = 0;
    for map in maps {
        imageops::replace(&mut all, map, left, 0);
        left += i64::from(map.width() + MAP_GAP);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 32;
    const COLOR: (Encoding, Encoding) = (Encoding::Color, Encoding::Color);

    /// Waves that differ with `seed`.
    fn wave(seed: usize, scale: f32) -> Raster {
        let values = (0..SIDE * SIDE).map(|index| {
            let (x, y) = ((index % SIDE) as f32, (index / SIDE) as f32);
            scale * ((x / 5.0 + seed as f32).sin() + (y / 7.0 + (seed * seed) as f32).cos()) / 2.0
        });
        Raster::from_planes(SIDE, SIDE, values.collect())
    }

    fn statistics(output: impl Fn(usize) -> Raster, paired: bool) -> OutputStatistics {
        let images = (0..6).map(|seed| Translated {
            input: wave(seed, 0.9),
            output: output(seed),
            real: wave(seed + 20, 0.8),
            valid: None,
            encodings: COLOR,
        });
        OutputStatistics::of("fake_B", &images.collect::<Vec<_>>(), paired)
    }

    #[test]
    fn outputs_that_vary_as_the_targets_do_have_variety_one_and_correlate() {
        let found = statistics(|seed| wave(seed + 20, 0.8), true);
        assert!((found.variety.expect("variety") - 1.0).abs() < 1e-6);
        assert!((found.correlation.expect("correlation") - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_pale_colorization_varies_as_its_grey_inputs_do() {
        let images: Vec<_> = (0..6)
            .map(|seed| Translated {
                input: wave(seed, 0.9),
                output: Raster::from_planes(SIDE, SIDE, vec![0.02; 2 * SIDE * SIDE]),
                real: Raster::from_planes(
                    SIDE,
                    SIDE,
                    [wave(seed, 0.3), wave(seed + 9, 0.3)]
                        .iter()
                        .flat_map(|plane| plane.values().to_vec())
                        .collect(),
                ),
                valid: None,
                encodings: (Encoding::Lightness, Encoding::Chroma),
            })
            .collect();
        let found = OutputStatistics::of("fake_B", &images, true);
        assert!(found.variety.expect("variety") > 0.8, "{found:?}");
    }

    #[test]
    fn what_cannot_vary_more_than_its_inputs_is_compared_with_them() {
        // Inputs that hardly differ: outputs that differ as little follow them all the same.
        let images: Vec<_> = (0..6)
            .map(|seed| Translated {
                input: wave(seed, 0.06),
                output: wave(seed, 0.06),
                real: wave(seed + 20, 0.9),
                valid: None,
                encodings: COLOR,
            })
            .collect();
        let found = OutputStatistics::of("fake_B", &images, true);
        assert!(
            (found.variety.expect("variety") - 1.0).abs() < 1e-6,
            "{found:?}"
        );
    }

    #[test]
    fn one_output_for_all_inputs_has_no_variety() {
        let found = statistics(|_| wave(3, 0.8), true);
        assert!(found.variety.expect("variety") < 1e-6);
    }

    #[test]
    fn a_negative_of_the_target_correlates_at_minus_one() {
        let found = statistics(|seed| wave(seed + 20, -0.8), true);
        assert!((found.correlation.expect("correlation") + 1.0).abs() < 1e-6);
    }

    #[test]
    fn without_pairs_outputs_are_compared_with_their_inputs() {
        let found = statistics(|seed| wave(seed, -0.5), false);
        assert!((found.correlation.expect("correlation") + 1.0).abs() < 1e-6);
    }

    #[test]
    fn what_was_not_measured_does_not_correlate() {
        let valid: Vec<bool> = (0..SIDE * SIDE).map(|index| index % 3 != 0).collect();
        let masked = |raster: Raster, value: f32| {
            let values = raster.values().iter().zip(&valid);
            let values = values.map(|(&kept, &valid)| if valid { kept } else { value });
            Raster::from_planes(SIDE, SIDE, values.collect())
        };
        let images: Vec<_> = (0..4)
            .map(|seed| Translated {
                input: wave(seed, 0.9),
                output: masked(wave(seed, -0.8), -1.0),
                real: masked(wave(seed, 0.8), -1.0),
                valid: Some(valid.clone()),
                encodings: COLOR,
            })
            .collect();
        let found = correlation(&images, |image| &image.real);
        assert!((found.expect("correlation") + 1.0).abs() < 1e-5);
    }

    #[test]
    fn flat_or_equal_images_say_nothing() {
        let flat = || Raster::from_planes(SIDE, SIDE, vec![0.1; SIDE * SIDE]);
        assert_eq!(statistics(|_| flat(), true).correlation, None);
        let same = |_| Translated {
            input: wave(1, 0.9),
            output: wave(1, 0.9),
            real: wave(1, 0.9),
            valid: None,
            encodings: COLOR,
        };
        let images: Vec<_> = (0..4).map(same).collect();
        assert_eq!(OutputStatistics::of("fake_B", &images, true).variety, None);
    }

    #[test]
    fn patches_taken_for_real_are_white() {
        let device = Device::flex();
        let logits = Tensor::<1>::from_floats([9.0, -9.0], &device).reshape([1, 1, 1, 2]);
        let image = drawn(logits, GanMode::Vanilla);
        let (width, height) = (2 * PATCH_PIXELS, PATCH_PIXELS);
        assert_eq!(image.dimensions(), (width, height));
        assert_eq!(image.get_pixel(0, 0).0, [255]);
        assert_eq!(image.get_pixel(width - 1, height - 1).0, [0]);
    }
}
