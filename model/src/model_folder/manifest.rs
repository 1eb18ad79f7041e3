//! `manifest.json`, the one description of a model folder. Everything in it is untrusted: it is
//! checked here before anybody allocates, opens or fetches what it names.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::image::encoding::Encoding;
use crate::image::pixels::SizeRule;
use crate::network::config::GeneratorConfig;
use crate::network::config::NormStats;

/// Value of the field `format`.
pub const FORMAT: &str = "pix2pix";
/// Version that this library writes and the only major version that it reads.
pub const VERSION: u32 = 1;
/// Largest weights file that a manifest may name, in bytes.
pub const MAX_WEIGHTS_BYTES: u64 = 1 << 30;
/// Longest manifest that is parsed, in bytes.
pub const MAX_MANIFEST_BYTES: usize = 1 << 20;

const MAX_CHANNELS: usize = 8;
const MAX_BASE: usize = 256;
/// Sides that the smallest image is padded to, at most, where the network needs no more: a
/// feature map of 256 channels takes 64 MiB then.
const MAX_MULTIPLE: usize = 256;

/// What a model folder holds and how to use it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Always [`FORMAT`].
    pub format: String,
    /// Always [`VERSION`].
    pub version: u32,
    /// Short name, also the folder's name on a web page.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// What the model does, such as `deblur`.
    pub task: String,
    /// The network.
    pub generator: ManifestGenerator,
    /// What it takes.
    pub input: ManifestInput,
    /// What it makes.
    #[serde(default, skip_serializing_if = "ManifestOutput::is_default")]
    pub output: ManifestOutput,
    /// Files with the network's weights; the first is used.
    pub weights: Vec<WeightsFile>,
    /// How it was made.
    #[serde(default)]
    pub training: serde_json::Value,
    /// Licence of the weights.
    #[serde(default)]
    pub license: String,
    /// Example inputs, paths inside the folder.
    #[serde(default)]
    pub samples: Vec<String>,
}

/// The network, and what of its behaviour at inference is part of the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ManifestGenerator {
    /// Shapes.
    #[serde(flatten)]
    pub config: GeneratorConfig,
    /// Statistics of batch norms.
    pub norm_stats: NormStats,
    /// Dropout at inference.
    pub dropout: TestDropout,
}

/// Dropout at inference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestDropout {
    /// None.
    Off,
}

/// What the network takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ManifestInput {
    /// Height and width are padded to multiples of this.
    pub multiple_of: usize,
    /// Whether people bring a photo or draw.
    pub mode: InputMode,
    /// Colours and meanings of labels, for drawing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub palette: Vec<PaletteEntry>,
    /// Range of values that the network sees; always `[-1, 1]`.
    pub range: [f32; 2],
    /// What its channels mean.
    #[serde(default, skip_serializing_if = "Encoding::is_color")]
    pub encoding: Encoding,
}

/// What the network makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestOutput {
    /// What its channels mean.
    #[serde(default, skip_serializing_if = "Encoding::is_color")]
    pub encoding: Encoding,
}

impl ManifestOutput {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How people make an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputMode {
    Photo,
    /// A label map, painted with the palette.
    Draw,
}

/// One label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaletteEntry {
    /// What it stands for.
    pub name: String,
    /// RGB, 0 to 255.
    pub color: [u8; 3],
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightsFile {
    /// Relative to the manifest, inside its folder.
    pub path: String,
    /// How numbers are stored.
    pub dtype: WeightsDtype,
    pub bytes: u64,
    /// SHA-256 of the file, 64 hexadecimal digits.
    pub sha256: String,
}

/// How numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightsDtype {
    /// 4 bytes per value.
    F32,
    /// 2 bytes per value.
    F16,
    /// 1 byte per value of a convolution, symmetric, one f32 scale per slice of the first
    /// dimension; everything else f32.
    Q8,
}

impl WeightsDtype {
    /// The name in manifests, on the command line and in file names.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Q8 => "q8",
        }
    }

    /// The name of the weights file in a model folder.
    pub fn file_name(self) -> String {
        format!("generator.{}.bpk", self.name())
    }
}

/// Why a manifest is refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ManifestError {
    /// Not JSON, or a field is missing or of the wrong type.
    #[error("the manifest cannot be read: {0}; export the model again")]
    Syntax(String),
    /// Longer than anybody writes.
    #[error(
        "the manifest is longer than {MAX_MANIFEST_BYTES} bytes; shorten \"training\" or export the \
         model again"
    )]
    TooLong,
    /// Another kind of file.
    #[error("the manifest's format is \"{0}\", not \"{FORMAT}\"; this is another kind of model")]
    Format(String),
    /// A version that this library does not know.
    #[error(
        "the manifest has version {0}, this program reads version {VERSION}; update the program \
         or export the model again"
    )]
    Version(u64),
    /// A field's value makes no sense or is not safe.
    #[error("the manifest's field \"{field}\" {problem}")]
    Field {
        /// Path of the field.
        field: String,
        /// What is wrong and what would be right.
        problem: String,
    },
}

impl Manifest {
    /// Of a translator of colours that tells nothing of its training, without weights.
    pub fn bare(name: &str, config: GeneratorConfig, norm_stats: NormStats) -> Self {
        Self {
            format: FORMAT.to_string(),
            version: VERSION,
            name: name.to_string(),
            title: name.to_string(),
            task: "translate".to_string(),
            input: ManifestInput {
                multiple_of: config.arch.size_rule().divisor(),
                mode: InputMode::Photo,
                palette: Vec::new(),
                range: [-1.0, 1.0],
                encoding: Encoding::Color,
            },
            output: ManifestOutput {
                encoding: Encoding::Color,
            },
            generator: ManifestGenerator {
                config,
                norm_stats,
                dropout: TestDropout::Off,
            },
            weights: Vec::new(),
            training: serde_json::Value::Null,
            license: String::new(),
            samples: Vec::new(),
        }
    }

    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// See [`ManifestError`]; each names the field and what would be right.
    pub fn parse(json: &str) -> Result<Self, ManifestError> {
        if json.len() > MAX_MANIFEST_BYTES {
            return Err(ManifestError::TooLong);
        }
        let head: Head = parse(json)?;
        if head.format != FORMAT {
            return Err(ManifestError::Format(shortened(&head.format)));
        }
        if head.version != u64::from(VERSION) {
            return Err(ManifestError::Version(head.version));
        }
        let manifest: Self = parse(json)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The manifest as indented JSON.
    ///
    /// # Errors
    /// None in practice: every field has a JSON form.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    /// The weights file to load.
    ///
    /// # Errors
    /// The list is empty, which [`Manifest::parse`] refuses.
    pub fn weights_file(&self) -> Result<&WeightsFile, ManifestError> {
        self.weights
            .first()
            .ok_or_else(|| field("weights", "names no file"))
    }

    /// Which heights and widths the network takes.
    pub fn size_rule(&self) -> SizeRule {
        SizeRule::multiple_of(self.input.multiple_of)
    }

    fn check(&self) -> Result<(), ManifestError> {
        let generator = &self.generator.config;
        in_range("generator.in_channels", generator.in_channels, MAX_CHANNELS)?;
        in_range(
            "generator.out_channels",
            generator.out_channels,
            MAX_CHANNELS,
        )?;
        in_range("generator.base", generator.base, MAX_BASE)?;
        if generator.residual && generator.in_channels != generator.out_channels {
            let problem = "needs as many input channels as output channels";
            return Err(field("generator.residual", problem));
        }
        let needed = generator.arch.size_rule().divisor();
        let given = self.input.multiple_of;
        let most = needed.max(MAX_MULTIPLE);
        if given == 0 || !given.is_multiple_of(needed) || given > most {
            let problem =
                format!("is {given}; this network needs a multiple of {needed}, at most {most}");
            return Err(field("input.multiple_of", &problem));
        }
        if self.input.range != [-1.0, 1.0] {
            return Err(field("input.range", "must be [-1, 1]"));
        }
        self.check_encodings()?;
        self.weights_file()?;
        for (index, file) in self.weights.iter().enumerate() {
            check_weights_file(&format!("weights[{index}]"), file)?;
        }
        for (index, sample) in self.samples.iter().enumerate() {
            stays_inside(&format!("samples[{index}]"), sample)?;
        }
        Ok(())
    }

    fn check_encodings(&self) -> Result<(), ManifestError> {
        let (input, output) = (self.input.encoding, self.output.encoding);
        let generator = &self.generator.config;
        for (name, encoding, channels) in [
            ("input.encoding", input, generator.in_channels),
            ("output.encoding", output, generator.out_channels),
        ] {
            if encoding == (Encoding::Depth { max: 0 }) {
                return Err(field(
                    name,
                    "has a largest depth of 0; it must be 1 to 65535",
                ));
            }
            if encoding.channels().is_some_and(|needed| needed != channels) {
                let problem = format!("does not fit the generator's {channels} channels");
                return Err(field(name, &problem));
            }
        }
        match (input, output) {
            (Encoding::Chroma, _) => Err(field("input.encoding", "cannot be chroma")),
            (Encoding::Lightness, Encoding::Chroma) => Ok(()),
            (_, Encoding::Chroma) => {
                let problem = "is chroma, which needs an input of lightness";
                Err(field("output.encoding", problem))
            }
            _ => Ok(()),
        }
    }
}

#[derive(Deserialize)]
struct Head {
    format: String,
    version: u64,
}

fn parse<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, ManifestError> {
    serde_json::from_str(json).map_err(|error| ManifestError::Syntax(error.to_string()))
}

fn field(name: &str, problem: &str) -> ManifestError {
    ManifestError::Field {
        field: name.to_string(),
        problem: problem.to_string(),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

fn in_range(name: &str, value: usize, max: usize) -> Result<(), ManifestError> {
    match (1..=max).contains(&value) {
        true => Ok(()),
        false => Err(field(name, &format!("is {value}; it must be 1 to {max}"))),
    }
}

fn check_weights_file(name: &str, file: &WeightsFile) -> Result<(), ManifestError> {
    stays_inside(&format!("{name}.path"), &file.path)?;
    if file.bytes == 0 || file.bytes > MAX_WEIGHTS_BYTES {
        let problem = format!("is {}; it must be 1 to {MAX_WEIGHTS_BYTES}", file.bytes);
        return Err(field(&format!("{name}.bytes"), &problem));
    }
    if file.sha256.len() != 64 || !file.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let problem = "must be 64 hexadecimal digits";
        return Err(field(&format!("{name}.sha256"), problem));
    }
    Ok(())
}

/// The same rule holds for file systems and for URLs, so it is stricter than either.
fn stays_inside(name: &str, path: &str) -> Result<(), ManifestError> {
    let safe_character =
        |character: char| character.is_ascii_alphanumeric() || "-_./ ".contains(character);
    let safe = !path.is_empty()
        && path.chars().all(safe_character)
        && path
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..");
    match safe {
        true => Ok(()),
        false => {
            let problem = format!(
                "is \"{}\"; it must be a relative path of letters, digits, \"-\", \"_\", \".\" \
                 and spaces that stays inside the model folder",
                shortened(path)
            );
            Err(field(name, &problem))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn valid() -> Value {
        json!({
            "format": "pix2pix", "version": 1, "name": "x", "title": "X", "task": "deblur",
            "generator": { "arch": "unet_128", "in_channels": 3, "out_channels": 3, "base": 16,
                "norm": "batch", "norm_stats": "running", "dropout": "off" },
            "input": { "multiple_of": 128, "mode": "photo", "range": [-1, 1] },
            "weights": [{ "path": "generator.q8.bpk", "dtype": "q8", "bytes": 10,
                "sha256": "0".repeat(64) }],
            "license": "MIT", "samples": ["samples/one.png"]
        })
    }

    fn parse_with(pointer: &str, value: Value) -> Result<Manifest, ManifestError> {
        let mut manifest = valid();
        *manifest.pointer_mut(pointer).expect("the field is there") = value;
        Manifest::parse(&manifest.to_string())
    }

    fn refused_field(pointer: &str, value: Value) -> String {
        match parse_with(pointer, value) {
            Err(ManifestError::Field { field, .. }) => field,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_manifest_survives_being_written_and_read() {
        let manifest = Manifest::parse(&valid().to_string()).expect("valid");
        let again = Manifest::parse(&manifest.to_json().expect("JSON")).expect("valid");
        assert_eq!(manifest, again);
    }

    #[test]
    fn a_manifest_without_encodings_is_colour_and_is_written_without_them() {
        let manifest = Manifest::parse(&valid().to_string()).expect("valid");
        let encodings = (manifest.input.encoding, manifest.output.encoding);
        assert_eq!(encodings, (Encoding::Color, Encoding::Color));
        let json = manifest.to_json().expect("JSON");
        assert!(
            !json.contains("encoding") && !json.contains("output\""),
            "{json}"
        );
    }

    #[test]
    fn encodings_survive_being_written_and_read_and_must_fit_the_channels() {
        let with = |input: Value, output: Value, channels: [usize; 2]| {
            let mut manifest = valid();
            manifest["generator"]["in_channels"] = json!(channels[0]);
            manifest["generator"]["out_channels"] = json!(channels[1]);
            manifest["input"]["encoding"] = input;
            manifest["output"] = json!({ "encoding": output });
            Manifest::parse(&manifest.to_string())
        };
        let depth = || json!({ "depth": { "max": 10_000 } });
        for (input, output, channels) in [
            (json!("lightness"), json!("chroma"), [1, 2]),
            (json!("color"), depth(), [3, 1]),
            (depth(), json!("color"), [1, 8]),
        ] {
            let manifest = with(input, output, channels).expect("valid");
            let again = Manifest::parse(&manifest.to_json().expect("JSON")).expect("valid");
            assert_eq!(manifest, again);
        }
        for (input, output, channels, name) in [
            (json!("color"), depth(), [3, 3], "output.encoding"),
            (
                json!("lightness"),
                json!("chroma"),
                [1, 3],
                "output.encoding",
            ),
            (json!("color"), json!("chroma"), [1, 2], "output.encoding"),
            (json!("chroma"), json!("color"), [2, 3], "input.encoding"),
            (
                json!({ "depth": { "max": 0 } }),
                json!("color"),
                [1, 3],
                "input.encoding",
            ),
        ] {
            match with(input, output, channels) {
                Err(ManifestError::Field { field, .. }) => assert_eq!(field, name),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn another_version_and_another_format_are_refused_before_the_rest_is_looked_at() {
        let future = json!({ "format": "pix2pix", "version": 99, "anything": [] });
        let parsed = Manifest::parse(&future.to_string());
        assert_eq!(parsed, Err(ManifestError::Version(99)));
        let foreign = json!({ "format": "onnx", "version": 1 });
        let parsed = Manifest::parse(&foreign.to_string());
        assert_eq!(parsed, Err(ManifestError::Format("onnx".to_string())));
    }

    #[test]
    fn paths_that_leave_the_folder_are_refused() {
        for path in [
            "../x",
            "/etc/passwd",
            "a/../../x",
            "a//b",
            "./a",
            "",
            "C:\\x",
            "https://host/x",
            "a?b",
            "a#b",
            "%2e%2e/x",
            "a\u{0}b",
        ] {
            assert_eq!(
                refused_field("/weights/0/path", json!(path)),
                "weights[0].path"
            );
            assert_eq!(refused_field("/samples/0", json!(path)), "samples[0]");
        }
    }

    #[test]
    fn claims_that_would_cost_memory_are_refused() {
        assert_eq!(
            refused_field("/weights/0/bytes", json!(10_000_000_000u64)),
            "weights[0].bytes"
        );
        assert_eq!(
            refused_field("/generator/base", json!(100_000)),
            "generator.base"
        );
        assert_eq!(
            refused_field("/generator/in_channels", json!(0)),
            "generator.in_channels"
        );
        assert_eq!(
            refused_field("/input/multiple_of", json!(1_000_000)),
            "input.multiple_of"
        );
        assert_eq!(
            refused_field("/input/multiple_of", json!(100)),
            "input.multiple_of"
        );
        assert_eq!(refused_field("/weights", json!([])), "weights");
    }

    #[test]
    fn the_smallest_image_is_padded_to_no_more_than_the_network_or_256_needs() {
        let with = |arch: &str, multiple_of: usize| {
            let mut manifest = valid();
            manifest["generator"]["arch"] = json!(arch);
            manifest["input"]["multiple_of"] = json!(multiple_of);
            Manifest::parse(&manifest.to_string())
        };
        for (arch, least, most) in [
            ("resnet_6blocks", 8, 256),
            ("unet_256", 256, 256),
            ("unet_512", 512, 512),
        ] {
            assert!(with(arch, least).is_ok() && with(arch, most).is_ok());
            let refused = with(arch, 4096).expect_err("17 GB for each map of a tiny picture");
            assert!(
                refused.to_string().contains("input.multiple_of"),
                "{refused}"
            );
            assert!(with(arch, 2 * most).is_err());
        }
    }

    #[test]
    fn a_manifest_is_read_up_to_the_longest_length_and_no_further() {
        let json = valid().to_string();
        let padded = |length: usize| format!("{json}{}", " ".repeat(length - json.len()));
        assert!(Manifest::parse(&padded(MAX_MANIFEST_BYTES)).is_ok());
        let longer = Manifest::parse(&padded(MAX_MANIFEST_BYTES + 1));
        assert_eq!(longer, Err(ManifestError::TooLong));
    }

    #[test]
    fn wrong_types_and_unknown_words_are_refused() {
        for (pointer, value) in [
            ("/generator/base", json!("wide")),
            ("/generator/base", json!(-3)),
            ("/generator/arch", json!("unet_9000")),
            ("/weights/0/dtype", json!("q4")),
            ("/input/range", json!(["NaN", 1])),
        ] {
            let parsed = parse_with(pointer, value);
            assert!(
                matches!(parsed, Err(ManifestError::Syntax(_))),
                "{pointer}: {parsed:?}"
            );
        }
    }
}
