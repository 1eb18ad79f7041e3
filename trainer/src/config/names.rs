//! Words that flags, `config.json` and manifests share.

use model::GeneratorArch;

/// Heading of the flags about images in the help of several commands.
pub(super) const IMAGES: &str = "Images";

/// Names of generators.
pub const NET_G: &[&str] = &[
    "unet_256",
    "unet_128",
    "unet_512",
    "resnet_9blocks",
    "resnet_6blocks",
];
/// Every generator.
pub fn generators() -> impl Iterator<Item = GeneratorArch> {
    let arch = |name: &&str| serde_json::from_value(serde_json::Value::from(*name)).ok();
    NET_G.iter().filter_map(arch)
}

/// The word for a generator.
pub fn name_of(arch: GeneratorArch) -> &'static str {
    let names = NET_G.iter().zip(generators());
    let found = names.into_iter().find(|(_, named)| *named == arch);
    found.map_or("", |(name, _)| name)
}

/// Names of normalisations.
pub const NORMS: &[&str] = &["batch", "instance", "none"];
/// Names of statistics.
pub const NORM_STATS: &[&str] = &["batch", "running"];
/// Kinds of models.
pub const MODELS: &[(&str, &str)] = &[
    (
        "pix2pix",
        "One generator, learning from pairs (arXiv 1611.07004)",
    ),
    (
        "cyclegan",
        "Two generators that undo each other, learning without pairs (arXiv 1703.10593)",
    ),
];
/// How a learning rate changes, under the reference implementation's names.
pub(super) const LR_POLICIES: &[(&str, &str)] = &[
    ("linear", "Constant, then falling in a line to zero"),
    ("step", "A tenth after every --lr-decay-every epochs"),
    ("cosine", "Half a cosine over the constant epochs"),
    (
        "plateau",
        "A fifth when the reconstruction loss has not fallen by a hundredth for five epochs",
    ),
    ("constant", "Always the same"),
];
/// Names of precisions.
pub const PRECISIONS: &[&str] = &["f32", "bf16", "f16"];
/// Names of storage formats.
pub const WEIGHTS: &[&str] = &["f32", "f16", "q8"];
