//! Vector instructions: which of them this processor has, and the loop that multiplies with them.

mod instructions;
mod lanes;
mod tile;

pub use self::instructions::Instructions;
pub(crate) use self::instructions::Level;
#[cfg(target_arch = "x86_64")]
pub(crate) use self::lanes::{Eight, Sixteen};
pub(crate) use self::lanes::{Four, Lanes};
pub(crate) use self::tile::add_products;
