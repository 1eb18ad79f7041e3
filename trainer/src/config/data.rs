//! Which data a run trains on, as words of the command line and fields of `config.json`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::TypedValueParser;
use model::{Encoding, Translator};
use serde::{Deserialize, Serialize};

use super::words::at_least_one;
use crate::config::names::IMAGES;
use crate::data::demo::DemoSplit;
use crate::data::sample::frame::Preprocess;
use crate::data::source::drawn::DrawnPairs;
use crate::data::source::folders::FolderPairs;
use crate::data::source::photos::{PhotoTask, Photos};
use crate::data::source::unpaired::UnpairedFolders;
use crate::data::{DataError, Direction, Frame, PairFormat, PairSource, SampleFormat};

/// Pairs of the built-in demo set.
const DEMO_TRAIN: usize = 2_000;
const DEMO_VALIDATION: usize = 24;

/// Where pairs come from. Without any of these: façades that the program draws.
#[derive(Clone, Debug, Default, Args, Serialize, Deserialize)]
#[serde(default)]
pub struct DataArgs {
    /// Folder of combined images, A on the left, B on the right; for cyclegan, of the folders
    /// trainA and trainB (and testA, testB or valA, valB)
    #[arg(long, value_name = "DIR", conflicts_with_all = ["a", "b", "photos"])]
    pub data: Option<PathBuf>,
    /// Folder of images A; their partners in --b have the same names, except for cyclegan
    #[arg(long, value_name = "DIR", requires = "b", conflicts_with = "photos")]
    pub a: Option<PathBuf>,
    /// Folder of images B
    #[arg(long, value_name = "DIR", requires = "a")]
    pub b: Option<PathBuf>,
    /// Folder of photos; --task says what is computed from them
    #[arg(long, value_name = "DIR")]
    pub photos: Option<PathBuf>,
    /// What to learn to undo to the photos
    #[arg(long)]
    pub task: Option<PhotoTask>,
    /// Leave out images of --a and --b that have no partner
    #[arg(long, help_heading = IMAGES, hide_short_help = true)]
    pub skip_unmatched: bool,
    /// Which image of a pair is the input
    #[arg(long, default_value = "AtoB")]
    pub direction: Direction,
    /// Channels of A: grey is expanded to 3, colour reduced to 1, other files need as many [default: 3]
    #[arg(long, help_heading = IMAGES, hide_short_help = true, value_name = "N", conflicts_with = "depth_a", value_parser = channels())]
    pub channels_a: Option<usize>,
    /// Channels of B [default: 3]
    #[arg(long, help_heading = IMAGES, hide_short_help = true, value_name = "N", conflicts_with = "depth_b", value_parser = channels())]
    pub channels_b: Option<usize>,
    /// A is depth: 16-bit grey files, 0 where nothing was measured, MAX the largest depth
    #[arg(long, help_heading = IMAGES, hide_short_help = true, value_name = "MAX", value_parser = at_least_one::<u16>)]
    pub depth_a: Option<u16>,
    /// B is depth, likewise; losses and metrics leave out what was not measured
    #[arg(long, help_heading = IMAGES, hide_short_help = true, value_name = "MAX", value_parser = at_least_one::<u16>)]
    pub depth_b: Option<u16>,
    /// How images become samples; `none` and `scale_width` need --batch 1
    #[arg(long, help_heading = IMAGES, hide_short_help = true, default_value = "resize_and_crop")]
    pub preprocess: Preprocess,
}

fn channels() -> impl TypedValueParser<Value = usize> {
    clap::value_parser!(u8).range(1..=8).map(usize::from)
}

impl DataArgs {
    /// Whether no folder is named, so that façades are drawn.
    pub fn is_demo(&self) -> bool {
        self.data.is_none() && self.a.is_none() && self.photos.is_none()
    }

    /// The folders that are named.
    pub fn folders(&self) -> Vec<&PathBuf> {
        let named = [&self.data, &self.a, &self.b, &self.photos];
        named.into_iter().flatten().collect()
    }

    /// The set for people: where its images lie, and what is learned from them.
    pub fn described(&self) -> String {
        let direction = self.direction;
        match (&self.data, &self.a, &self.b, &self.photos, self.task) {
            (Some(data), ..) => format!("{}, {direction}", data.display()),
            (_, Some(a), Some(b), ..) => {
                format!("{} and {}, {direction}", a.display(), b.display())
            }
            (_, _, _, Some(photos), Some(task)) => {
                format!("{}, task {}", photos.display(), task.name())
            }
            _ => format!("the drawn façades, {direction}"),
        }
    }

    /// What input and target are made of, after --direction.
    pub fn format(&self) -> PairFormat {
        let side = |channels: Option<usize>, depth: Option<u16>| match depth {
            Some(max) => SampleFormat {
                channels: 1,
                encoding: Encoding::Depth { max },
            },
            None => SampleFormat {
                channels: channels.unwrap_or(SampleFormat::RGB.channels),
                encoding: Encoding::Color,
            },
        };
        let a = side(self.channels_a, self.depth_a);
        let b = side(self.channels_b, self.depth_b);
        if self.task == Some(PhotoTask::Colorize) {
            return PairFormat::COLORIZE;
        }
        let (input, target) = match self.photos {
            Some(_) => (a, b),
            None => self.direction.orient((a, b)),
        };
        PairFormat { input, target }
    }

    /// Channels of the generator's input, after --direction.
    pub fn in_channels(&self) -> usize {
        self.format().input.channels
    }

    /// Channels of the generator's output, after --direction.
    pub fn out_channels(&self) -> usize {
        self.format().target.channels
    }

    /// What the generator's input and output mean, after --direction.
    pub fn encodings(&self) -> (Encoding, Encoding) {
        let format = self.format();
        (format.input.encoding, format.target.encoding)
    }

    /// How training images are scaled and cropped, for a network whose format are multiples of
    /// `multiple_of`.
    pub fn frame(&self, load_size: u32, size: u32, multiple_of: usize) -> Frame {
        Frame {
            preprocess: self.preprocess,
            load_size,
            size,
            multiple_of: u32::try_from(multiple_of).unwrap_or(u32::MAX),
        }
    }

    /// How validation images are scaled and cropped, where training does it as `training` says:
    /// squares of `size` instead of random crops; nothing is mirrored or drawn at random.
    pub fn validation_frame(&self, training: Frame, size: u32) -> Frame {
        match self.preprocess {
            Preprocess::ResizeAndCrop | Preprocess::ScaleWidthAndCrop => Frame {
                load_size: size,
                size,
                ..training
            },
            Preprocess::Crop | Preprocess::ScaleWidth | Preprocess::None => training,
        }
    }

    /// Whether samples may differ in size, so that no two fit into one batch.
    pub fn sizes_vary(&self) -> bool {
        !self.preprocess.crops()
    }

    /// Finds the images: those to train on and those to validate on. `seed` splits what no
    /// folder splits; `unpaired` sets have input and target of different images.
    pub fn open(&self, seed: u64, unpaired: bool) -> Result<(PairSource, PairSource), DataError> {
        self.check(unpaired)?;
        let (direction, format) = (self.direction, self.format());
        match (&self.data, &self.a, &self.b, &self.photos, self.task) {
            (Some(folder), ..) if unpaired => {
                let folders = UnpairedFolders::open(folder, direction, format, seed)?;
                Ok(both(folders, PairSource::Unpaired))
            }
            (Some(folder), ..) => {
                let folders = FolderPairs::combined(folder, direction, format, seed)?;
                Ok(both(folders, PairSource::Folders))
            }
            (_, Some(a), Some(b), ..) if unpaired => {
                let folders = UnpairedFolders::two(a, b, direction, format, seed)?;
                Ok(both(folders, PairSource::Unpaired))
            }
            (_, Some(a), Some(b), ..) => {
                let skip = self.skip_unmatched;
                let folders = FolderPairs::two(a, b, direction, format, seed, skip)?;
                Ok(both(folders, PairSource::Folders))
            }
            (_, _, _, Some(folder), Some(task)) => {
                let photos = Photos::open(folder, task, format, seed)?;
                Ok(both(photos, PairSource::Photos))
            }
            _ => {
                let drawn = |split, count| DrawnPairs {
                    seed,
                    split,
                    count,
                    direction,
                    format,
                    unpaired,
                };
                let train = drawn(DemoSplit::Train, DEMO_TRAIN);
                let validation = drawn(DemoSplit::Val, DEMO_VALIDATION);
                Ok(both((train, validation), PairSource::Demo))
            }
        }
    }

    /// Checks whether a model takes and makes what the flags say the images are.
    pub fn check_fits(&self, translator: &Translator) -> Result<(), DataError> {
        let described = |(encoding, channels): (Encoding, usize)| match encoding {
            Encoding::Color => format!("{channels} channels of colour"),
            Encoding::Depth { max } => format!("depth up to {max}"),
            Encoding::Lightness => "lightness".to_string(),
            Encoding::Chroma => "chroma".to_string(),
        };
        let PairFormat { input, target } = self.format();
        let given = [input, target].map(|side| (side.encoding, side.channels));
        let model = [translator.input(), translator.output()];
        if given == model {
            return Ok(());
        }
        let [from, to] = model.map(described);
        let [given_from, given_to] = given.map(described);
        Err(DataError::Flags(format!(
            "the model turns {from} into {to}, the flags name {given_from} and {given_to}; pass the \
             --task, --channels-a, --channels-b, --depth-a and --depth-b of its training"
        )))
    }

    fn check(&self, unpaired: bool) -> Result<(), DataError> {
        let refused = |message: &str| Err(DataError::Flags(message.to_string()));
        let depth = self.depth_a.is_some() || self.depth_b.is_some();
        let channels = self.channels_a.is_some() || self.channels_b.is_some();
        let drawn_or_computed = self.is_demo() || self.photos.is_some();
        if unpaired && self.photos.is_some() {
            return refused(
                "--photos makes pairs, --model cyclegan learns without: name two folders with \
                 --a and --b",
            );
        }
        if depth && drawn_or_computed {
            return refused(
                "--depth-a and --depth-b need files of depth: pass --a and --b, or --data",
            );
        }
        if channels && self.task == Some(PhotoTask::Colorize) {
            return refused(
                "--task colorize turns 1 channel (lightness) into 2 (chroma): leave --channels-a \
                 and --channels-b out",
            );
        }
        let made = [self.channels_a, self.channels_b].into_iter().flatten();
        if drawn_or_computed
            && made
                .into_iter()
                .any(|channels| channels != 1 && channels != 3)
        {
            return refused(
                "--channels-a and --channels-b are 1 or 3 for photos and the drawn set: name \
                 folders of files with more channels with --a and --b",
            );
        }
        Ok(())
    }
}

fn both<T>((train, validation): (T, T), source: fn(T) -> PairSource) -> (PairSource, PairSource) {
    (source(train), source(validation))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(json: serde_json::Value) -> DataArgs {
        serde_json::from_value(json).expect("settings")
    }

    #[test]
    fn settings_written_before_there_were_channels_are_rgb_both_ways() {
        let old = args(serde_json::json!({
            "data": "facades", "a": null, "b": null, "photos": null, "task": null,
            "skip_unmatched": false, "direction": "BtoA"
        }));
        assert_eq!((old.in_channels(), old.out_channels()), (3, 3));
        assert_eq!(old.encodings(), (Encoding::Color, Encoding::Color));
        assert_eq!(old.preprocess, Preprocess::ResizeAndCrop);
    }

    #[test]
    fn the_direction_swaps_channels_and_meaning() {
        let format = |direction: &str| {
            let args = args(serde_json::json!({
                "a": "x", "b": "y", "channels_a": 4, "depth_b": 900, "direction": direction
            }));
            let channels = (args.in_channels(), args.out_channels());
            (channels, args.encodings())
        };
        let depth = Encoding::Depth { max: 900 };
        assert_eq!(format("AtoB"), ((4, 1), (Encoding::Color, depth)));
        assert_eq!(format("BtoA"), ((1, 4), (depth, Encoding::Color)));
    }

    #[test]
    fn photos_have_no_direction_and_colorize_is_lightness_to_chroma() {
        let photos = |task: &str| {
            args(serde_json::json!({
                "photos": "x", "task": task, "channels_a": 1, "direction": "BtoA"
            }))
        };
        let edges = photos("edges");
        assert_eq!((edges.in_channels(), edges.out_channels()), (1, 3));
        let colorize = photos("colorize");
        assert_eq!((colorize.in_channels(), colorize.out_channels()), (1, 2));
        let expected = (Encoding::Lightness, Encoding::Chroma);
        assert_eq!(colorize.encodings(), expected);
    }

    #[test]
    fn unpaired_learning_refuses_photos_that_are_made_into_pairs() {
        let photos = args(serde_json::json!({ "photos": "x", "task": "edges" }));
        let message = photos.open(0, true).expect_err("pairs").to_string();
        assert!(
            message.contains("--photos") && message.contains("--a and --b"),
            "{message}"
        );
    }
}
