//! The flags of `train`. Each default is written here, once, or in `decide` where it depends on
//! the model, the device or other flags.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, Command, FromArgMatches, ValueEnum};
use model::training::{GanMode, LrPolicy, ModelKind};
use model::{
    Decoder, GeneratorArch, InitType, NormKind, NormStats, Patches, Precision, Upsample,
    WeightsDtype,
};

use super::DataArgs;
use super::names::{IMAGES, LR_POLICIES, MODELS, NET_G, NORM_STATS, NORMS, PRECISIONS, WEIGHTS};
use super::words::{at_least_one, not_negative, one_of, one_of_explained, positive, rate};
use crate::system::device::DeviceChoices;

/// Headings of the flags that few need, beside [`IMAGES`].
const NETWORKS: &str = "Networks";
const LEARNING: &str = "Learning";
const KEPT: &str = "What is kept and shown";

const EXAMPLES: &str = "\
Examples:
  trainer train                                          drawn façades, to see how it goes
  trainer train --photos photos --task deblur            photos alone; inputs are made of them
  trainer train --data facades --direction BtoA          combined images A|B
  trainer train --a labels --b photos --epochs 100       two folders of images of the same names
  trainer train --model cyclegan --a tulips --b roses    two folders without pairs
  trainer train --recipe facades                         settings of a paper, and its data set
  trainer train --resume runs/facades                    where it stopped, by Ctrl-C for instance

-h shows the flags that matter first, --help all.";

/// Architecture of the discriminator, as a word of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NetD {
    /// 70×70 PatchGAN
    Basic,
    /// PatchGAN of --n-layers-d layers
    #[value(name = "n_layers")]
    NLayers,
    /// Judges each pixel alone
    Pixel,
}

/// A change of DiffAugment, as a word of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Augmentation {
    /// Brightness, saturation, contrast
    Color,
    /// A shift
    Translation,
    /// A hole
    Cutout,
}

/// Settings of a training run. What is left out depends on the model and on the device: a CPU
/// gets a small network and few steps, a GPU the paper's.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TrainArgs {
    /// Settings and data set of a recipe; flags beside it win (`trainer recipes` lists them)
    #[arg(long, value_name = "NAME", value_parser = crate::recipes::name_parser())]
    pub recipe: Option<String>,
    /// pix2pix learns from pairs, cyclegan from two sets without pairs
    #[arg(long, default_value = "pix2pix", value_parser = one_of_explained::<ModelKind>(MODELS))]
    pub model: ModelKind,
    /// Where images come from.
    #[command(flatten)]
    pub data: DataArgs,
    /// Generator [default: unet_256; resnet_9blocks for cyclegan, resnet_6blocks on a CPU]
    #[arg(long, value_name = "NAME", value_parser = one_of::<GeneratorArch>(NET_G))]
    pub net_g: Option<GeneratorArch>,
    /// Feature maps of the generator's outermost layer [default: 16 on a CPU, 64 on a GPU]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub base: Option<u32>,
    /// How the generator doubles height and width; `resize` and `bilinear` leave no checkerboards
    #[arg(long, help_heading = NETWORKS, hide_short_help = true, value_name = "NAME", default_value = "transposed",
        value_parser = one_of::<Upsample>(&["transposed", "resize", "bilinear"]))]
    pub upsample: Upsample,
    /// Widths of a U-Net's decoder; `listed` takes the paper's table at its word
    #[arg(long, help_heading = NETWORKS, hide_short_help = true, value_name = "NAME", default_value = "mirrored",
        value_parser = one_of::<Decoder>(&["mirrored", "listed"]))]
    pub decoder: Decoder,
    /// Learn a correction that is added to the input [default: yes for --task deblur,
    /// super-resolve and restore]
    #[arg(long, help_heading = NETWORKS, hide_short_help = true, value_name = "BOOL")]
    pub residual: Option<bool>,
    /// Discriminator
    #[arg(long, help_heading = NETWORKS, hide_short_help = true, default_value = "basic")]
    pub net_d: NetD,
    /// Layers of stride 2 of --net-d n_layers
    #[arg(long, help_heading = NETWORKS, hide_short_help = true, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=5))]
    pub n_layers_d: u8,
    /// How a PatchGAN ends; `listed` takes the paper's table at its word: 16×16 logits
    #[arg(long, help_heading = NETWORKS, hide_short_help = true, value_name = "NAME", default_value = "overlapping",
        value_parser = one_of::<Patches>(&["overlapping", "listed"]))]
    pub patches: Patches,
    /// Feature maps of the discriminator's first layer [default: as --base]
    #[arg(long, help_heading = NETWORKS, hide_short_help = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub base_d: Option<u32>,
    /// Normalisation of the generator [default: batch; instance for cyclegan]; `none` restores
    /// photos best, the others invent more
    #[arg(long, help_heading = NETWORKS, hide_short_help = true, value_name = "NAME", value_parser = one_of::<NormKind>(NORMS))]
    pub norm: Option<NormKind>,
    /// Normalisation of the discriminator [default: batch; instance for cyclegan]
    #[arg(long, help_heading = NETWORKS, hide_short_help = true, value_name = "NAME", value_parser = one_of::<NormKind>(NORMS))]
    pub norm_d: Option<NormKind>,
    /// Statistics of batch norms in the exported model [default: batch at --batch 1, else running]
    #[arg(long, help_heading = NETWORKS, hide_short_help = true, value_name = "NAME", value_parser = one_of::<NormStats>(NORM_STATS))]
    pub norm_stats: Option<NormStats>,
    /// Dropout rate of the generator's inner layers while training [default: 0.5; 0 for cyclegan]
    #[arg(long, help_heading = NETWORKS, hide_short_help = true, value_name = "RATE", value_parser = rate)]
    pub dropout: Option<f64>,
    /// What convolutions compute in while training; the rest stays in f32. 16 bits are meant
    /// for GPUs; on a CPU they are slower
    #[arg(long, help_heading = LEARNING, hide_short_help = true, value_name = "TYPE", default_value = "f32",
        value_parser = one_of::<Precision>(PRECISIONS))]
    pub precision: Precision,
    /// How weights are drawn
    #[arg(long, help_heading = NETWORKS, hide_short_help = true, value_name = "NAME", default_value = "normal",
        value_parser = one_of::<InitType>(&["normal", "xavier", "kaiming", "orthogonal"]))]
    pub init: InitType,
    /// Scale of drawn weights
    #[arg(long, help_heading = NETWORKS, hide_short_help = true, value_name = "X", default_value_t = 0.02, value_parser = positive)]
    pub init_gain: f64,
    /// Passes over the training images at the full learning rate
    #[arg(long, value_name = "N", conflicts_with = "steps", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub epochs: Option<u64>,
    /// Further passes, while --lr-policy linear lets the rate fall to zero [default: as --epochs]
    #[arg(long, help_heading = LEARNING, hide_short_help = true, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=1_000_000))]
    pub epochs_decay: Option<u64>,
    /// Training steps, in the second half of which the rate falls [default: 2000 on a CPU, 20000
    /// on a GPU]
    #[arg(long, value_name = "N", value_parser = at_least_one::<u64>)]
    pub steps: Option<u64>,
    /// Pairs per step
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub batch: u32,
    /// Side of training images in pixels
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub size: u32,
    /// Side before the random crop [default: size · 286 / 256]
    #[arg(long, help_heading = IMAGES, hide_short_help = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=8192))]
    pub load_size: Option<u32>,
    /// Do not mirror images at random
    #[arg(long, help_heading = IMAGES, hide_short_help = true)]
    pub no_flip: bool,
    /// Learning rate of Adam
    #[arg(long, help_heading = LEARNING, hide_short_help = true, value_name = "RATE", default_value_t = 2e-4, value_parser = positive)]
    pub lr: f64,
    /// Learning rate of the discriminator [default: as --lr]
    #[arg(long, help_heading = LEARNING, hide_short_help = true, value_name = "RATE", value_parser = positive)]
    pub lr_d: Option<f64>,
    /// How the learning rate changes
    #[arg(long, help_heading = LEARNING, hide_short_help = true, default_value = "linear", value_parser = one_of_explained::<LrPolicy>(LR_POLICIES))]
    pub lr_policy: LrPolicy,
    /// Epochs between the falls of --lr-policy step
    #[arg(long, help_heading = LEARNING, hide_short_help = true, value_name = "N", default_value_t = 50, value_parser = at_least_one::<u64>)]
    pub lr_decay_every: u64,
    /// Adversarial loss: vanilla, lsgan or hinge [default: vanilla; lsgan for cyclegan]
    #[arg(long, help_heading = LEARNING, hide_short_help = true, value_name = "NAME", value_parser = gan_mode)]
    pub gan_mode: Option<GanMode>,
    /// Weight of the L1 loss of pix2pix
    #[arg(long, help_heading = LEARNING, hide_short_help = true, value_name = "X", default_value_t = 100.0, value_parser = not_negative)]
    pub lambda_l1: f64,
    /// Weight of the adversarial loss of pix2pix; 0 trains with L1 alone
    #[arg(long, help_heading = LEARNING, hide_short_help = true, value_name = "X", default_value_t = 1.0, value_parser = not_negative)]
    pub lambda_gan: f64,
    /// Weight of the cycle losses of cyclegan
    #[arg(long, help_heading = LEARNING, hide_short_help = true, value_name = "X", default_value_t = 10.0, value_parser = not_negative)]
    pub lambda_cycle: f64,
    /// Weight of the identity losses of cyclegan, relative to --lambda-cycle
    #[arg(long, help_heading = LEARNING, hide_short_help = true, value_name = "X", default_value_t = 0.5, value_parser = not_negative)]
    pub lambda_identity: f64,
    /// Past images that the discriminators of cyclegan learn from
    #[arg(long, help_heading = LEARNING, hide_short_help = true, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub pool_size: u32,
    /// Keep a running average of the generator's weights with this decay, such as 0.999, and
    /// export that
    #[arg(long, help_heading = NETWORKS, hide_short_help = true, value_name = "DECAY", value_parser = rate)]
    pub ema: Option<f64>,
    /// Change what the discriminator sees, against learning a small set by heart: color,
    /// translation, cutout, several with commas
    #[arg(long, help_heading = LEARNING, hide_short_help = true, value_name = "LIST", value_delimiter = ',')]
    pub diff_augment: Vec<Augmentation>,
    /// Device: auto, cpu, gpu, vulkan, metal, dx12 or cuda; a GPU also with its index. Several, such
    /// as cuda:0,1, share each batch
    #[arg(long, default_value = "auto")]
    pub device: DeviceChoices,
    /// Seed of all randomness
    #[arg(long, help_heading = LEARNING, hide_short_help = true, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Start from the generator of another run's latest checkpoint, or of a model folder
    /// (fine-tuning)
    #[arg(long, help_heading = LEARNING, hide_short_help = true, value_name = "DIR")]
    pub from: Option<PathBuf>,
    /// Folder of the run [default: runs/NAME]
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
    /// Go on with the run in this folder, or in --run, with its settings; --steps or --epochs may
    /// be raised
    #[arg(long, value_name = "DIR", num_args = 0..=1)]
    pub resume: Option<Option<PathBuf>>,
    /// Steps between sample grids and validations [default: a tenth of all]
    #[arg(long, help_heading = KEPT, hide_short_help = true, value_name = "N", value_parser = at_least_one::<u64>)]
    pub sample_every: Option<u64>,
    /// Steps between checkpoints [default: a tenth of all]
    #[arg(long, help_heading = KEPT, hide_short_help = true, value_name = "N", value_parser = at_least_one::<u64>)]
    pub checkpoint_every: Option<u64>,
    /// Last checkpoints to keep
    #[arg(long, help_heading = KEPT, hide_short_help = true, value_name = "N", default_value_t = super::train_config::KEEP, value_parser = at_least_one::<u32>)]
    pub keep: u32,
    /// Also keep the checkpoint that did best: by the PSNR of the validation images, without
    /// pairs by the losses since the last samples
    #[arg(long, help_heading = KEPT, hide_short_help = true)]
    pub keep_best: bool,
    /// Threads that prepare images [default: 1 on a CPU, 8 on a GPU]
    #[arg(long, help_heading = KEPT, hide_short_help = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub workers: Option<u32>,
    /// How the exported model stores its weights
    #[arg(long, help_heading = KEPT, hide_short_help = true, value_name = "NAME", default_value = "f16", value_parser = one_of::<WeightsDtype>(WEIGHTS))]
    pub weights: WeightsDtype,
    /// Flags that were on the command line, by their field's name: see `idle::given`.
    #[arg(skip)]
    pub given: BTreeSet<String>,
}

fn gan_mode(text: &str) -> Result<GanMode, String> {
    if text.starts_with("wgan") {
        let reason = "WGAN-GP needs second-order gradients, which burn lacks; use lsgan or hinge";
        return Err(reason.to_string());
    }
    serde_json::from_value(text.into())
        .map_err(|_| "no such loss; use vanilla, lsgan or hinge".to_string())
}

impl TrainArgs {
    /// The flags that `words` give, as on a command line that starts with `train`.
    pub fn parsed(words: &[&str]) -> Result<Self, clap::Error> {
        let command = Self::augment_args(Command::new("train"));
        Self::from_arg_matches(&command.try_get_matches_from(words)?)
    }
}
