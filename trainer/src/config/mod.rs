//! Settings of a training run: words of the command line, fields of `config.json`.

pub mod args;
mod data;
mod decide;
pub mod idle;
pub mod names;
mod resume;
pub mod stored;
mod train_config;
pub mod words;

pub use args::TrainArgs;
pub use data::DataArgs;
pub use resume::ResumeError;
pub use train_config::{ConfigError, TrainConfig};
