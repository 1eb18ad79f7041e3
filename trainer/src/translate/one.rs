//! One image file through a model: read, cut into tiles, put together and written.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use model::pixels::to_byte;
use model::{Encoding, Raster, TileOptions, Translator};

use crate::data::sample::bands::Bands;
use crate::data::sample::raster::{SampleFormat, to_depth};
use crate::image_file::{self, ImageFileProblem, Samples};
use crate::system::files::NamesFile;
use crate::translate::{Job, TranslateFileError};

/// The last chunk of every whole PNG: no bytes of data, `IEND`, its checksum.
const PNG_END: [u8; 12] = [0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82];

/// What became of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translated {
    pub output: PathBuf,
    pub width: u32,
    pub height: u32,
    /// Tiles that it was cut into; one is the whole.
    pub tiles: usize,
    /// Whether the result is that of the whole image in one piece.
    pub exact: bool,
}

/// The file that a job makes: a PNG, or a TIFF where the model makes bands that no PNG holds.
fn result_path(translator: &Translator, job: &Job) -> PathBuf {
    match translator.output() {
        (Encoding::Color, channels) if ![1, 3, 4].contains(&channels) => {
            job.output.with_extension("tif")
        }
        _ => job.output.clone(),
    }
}

/// Whether the result of a job is there and whole.
pub fn is_finished(translator: &Translator, job: &Job) -> bool {
    let path = result_path(translator, job);
    let ends_whole = |path: &Path| -> std::io::Result<bool> {
        let mut end = [0; PNG_END.len()];
        let mut file = File::open(path)?;
        file.seek(SeekFrom::End(-(end.len() as i64)))?;
        file.read_exact(&mut end)?;
        Ok(end == PNG_END)
    };
    let is_png = path.extension().is_some_and(|extension| extension == "png");
    match is_png {
        true => ends_whole(&path).unwrap_or(false),
        false => path.is_file() && image_file::header(&path).is_ok(),
    }
}

/// Translates one image file, scaled up `enlarge` times, into one of 8 bits per sample, of 16 where
/// the input has 16 or the output is depth and the format of the result has them, or a TIFF of 16
/// where the model makes bands that no PNG holds. The input's transparency stays. Memory holds the file's samples, the result's, and tiles.
pub fn translate_file(
    translator: &Translator,
    job: &Job,
    tiles: TileOptions,
    enlarge: u32,
) -> Result<Translated, TranslateFileError> {
    let (encoding, channels) = translator.input();
    let side = SampleFormat { channels, encoding };
    let image = enlarged(Bands::read(&job.input)?, enlarge, side, &job.input)?;
    let header = image.header();
    let size = (header.width as usize, header.height as usize);
    let plan = translator.plan(size, tiles).of_file(&job.input)?;
    let alpha = image.alpha();
    let image = side.fit(&job.input, image)?;
    let part = |x: usize, y: usize, width: usize, height: usize| {
        let part = image.cropped((x as u32, y as u32), (width as u32, height as u32));
        side.raster(&part)
    };
    let mut result = Assembled::new(translator.output().0, header.bits);
    translator
        .translate_tiles(
            &plan,
            |rect| part(rect.x, rect.y, rect.width, rect.height),
            |strip| {
                let rows = strip.raster.height();
                let real_a = part(0, strip.top, size.0, rows);
                let at = strip.top * size.0..(strip.top + rows) * size.0;
                result.add(
                    &strip.raster,
                    &real_a,
                    alpha.as_ref().map(|alpha| &alpha[at]),
                );
            },
        )
        .of_file(&job.input)?;
    if let Some(folder) = job.output.parent() {
        let made = fs::create_dir_all(folder).map_err(ImageFileProblem::Write);
        made.of_file(folder)?;
    }
    let size = (header.width, header.height);
    let output = image_file::write_samples(&job.output, size, result.samples)?;
    Ok(Translated {
        output,
        width: header.width,
        height: header.height,
        tiles: plan.count(),
        exact: plan.is_exact(),
    })
}

/// As large as a model for more resolution expects the image: its pixels are those that a
/// training makes of a small photo.
fn enlarged(
    image: Bands,
    times: u32,
    side: SampleFormat,
    path: &Path,
) -> Result<Bands, TranslateFileError> {
    let (width, height) = image.dimensions();
    let size = (width.saturating_mul(times), height.saturating_mul(times));
    image_file::check_size(path, size)?;
    Ok(image.resized(size, side.filter()))
}

/// The samples of a result, as many as are finished.
struct Assembled {
    output: Encoding,
    samples: Samples,
}

impl Assembled {
    fn new(output: Encoding, input_bits: u32) -> Self {
        let wide = input_bits > 8 || matches!(output, Encoding::Depth { .. });
        Self {
            output,
            samples: match wide {
                true => Samples::Words(Vec::new()),
                false => Samples::Bytes(Vec::new()),
            },
        }
    }

    /// Appends rows of the output, below those before; `real_a` and `alpha` are of the same rows
    /// of the input.
    fn add(&mut self, fake_b: &Raster, real_a: &Raster, alpha: Option<&[f32]>) {
        let shown = with_alpha(self.output.shown(fake_b, real_a).into_owned(), alpha);
        match (&mut self.samples, self.output) {
            (Samples::Words(words), Encoding::Depth { max }) => {
                append(words, fake_b, |unit| to_depth(unit, max).round() as u16);
            }
            (Samples::Words(words), _) => append(words, &shown, to_word),
            (Samples::Bytes(bytes), _) => append(bytes, &shown, to_byte),
        }
    }
}

/// Adds the input's transparency to grey or RGB.
fn with_alpha(image: Raster, alpha: Option<&[f32]>) -> Raster {
    match (alpha, image.channels()) {
        (Some(alpha), 1 | 3) => {
            let (width, height) = (image.width(), image.height());
            let mut values = image.to_rgb().into_values();
            values.extend(alpha.iter().map(|alpha| alpha * 2.0 - 1.0));
            Raster::from_planes(width, height, values)
        }
        _ => image,
    }
}

/// Samples pixel by pixel.
fn append<S>(samples: &mut Vec<S>, image: &Raster, sample: impl Fn(f32) -> S) {
    let channels = image.channels();
    samples.reserve(channels * image.pixels());
    for at in 0..image.pixels() {
        samples.extend((0..channels).map(|channel| sample(image.plane(channel)[at])));
    }
}

/// `-1..=1` to the nearest of `0..=65535`; values outside are clamped.
fn to_word(unit: f32) -> u16 {
    ((unit + 1.0) * 32_767.5).round().clamp(0.0, 65_535.0) as u16
}
