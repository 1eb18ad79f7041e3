//! How pix2pix (arXiv 1611.07004) and CycleGAN (arXiv 1703.10593) learn: losses, updates, Adam,
//! schedules, and what goes with them. Nothing here reads files, starts threads or parses command
//! lines, so that it compiles for every target.

pub mod adam;
mod batch;
pub mod checkpoint;
pub mod communicator;
mod cyclegan;
mod diff_augment;
mod ema;
pub mod exact;
mod finite;
mod gan;
mod hyperparameters;
mod image_pool;
mod loss;
mod losses;
mod pass;
mod pix2pix;
pub mod randomness;
mod sampling;
pub mod schedule;
mod step;
mod traversal;

pub use crate::network::cpu::is_cpu;
pub use batch::Batch;
pub use communicator::{Communicator, settle};
pub use diff_augment::DiffAugment;
pub use ema::Ema;
pub use gan::Gan;
pub use hyperparameters::{A_TO_B, B_TO_A, Hyperparameters, ModelKind};
pub use image_pool::ImagePool;
pub use loss::{GanMode, l1, masked_l1};
pub use losses::{LossValues, Losses};
pub use sampling::{Jitter, Order};
pub use schedule::{LrPolicy, Plateau, Rates, Schedule};
