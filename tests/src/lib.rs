//! What the tests share: the trainer's program, a served copy of the built
//! page that can be made to fail, and a browser that looks at it.

pub mod axe;
pub mod browser;
pub mod devtools;
pub mod downloads;
pub mod films;
pub mod mock;
pub mod modules;
pub mod net_log;
pub mod page;
pub mod pictures;
pub mod site;
pub mod texts;
pub mod trainer;
