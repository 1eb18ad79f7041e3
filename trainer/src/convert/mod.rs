//! Between runs, model folders, the files of PyTorch and ONNX.

pub mod export;
pub mod export_pytorch;
pub mod import;
pub mod model_folder;
pub mod onnx;
pub mod pict;
mod trained;
