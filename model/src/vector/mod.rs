//! What a processor has: its vector instructions, the loop that multiplies with them, and its threads.

mod instructions;
mod lanes;
pub(crate) mod threads;
mod tile;

pub use self::instructions::Instructions;
pub(crate) use self::instructions::Level;
#[cfg(target_arch = "x86_64")]
pub(crate) use self::lanes::{Eight, Sixteen};
pub(crate) use self::lanes::{Four, Lanes};
pub(crate) use self::tile::add_products;
