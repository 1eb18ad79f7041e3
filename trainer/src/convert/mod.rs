//! Between runs, model folders and the files of PyTorch.

pub mod export;
pub mod export_pytorch;
pub mod import;
pub mod model_folder;
