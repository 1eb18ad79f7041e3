//! Why an `.onnx` file is refused.

use std::io;

use thiserror::Error;

use super::MAX_BYTES;

#[derive(Debug, Error)]
pub enum OnnxProblem {
    #[error("cannot be read ({0}); check path and permissions")]
    Io(#[from] io::Error),
    #[error(
        "has {0} bytes, an .onnx file has no more than {MAX_BYTES}; is it another kind of file?"
    )]
    TooLong(u64),
    #[error("is damaged or no .onnx file ({0}); export or copy it again")]
    Damaged(String),
    #[error("has more nodes, tensors or attributes than any generator; is it another network?")]
    TooMany,
    #[error(
        "keeps tensor \"{0}\" in another file, which is not read; export it with \
         external_data=False, or join the two in Python: onnx.save(onnx.load(\"FILE\"), \"NEW\")"
    )]
    External(String),
    #[error(
        "node \"{node}\" ({operator}): {reason}. Known are the U-Nets and ResNets of \
         pytorch-CycleGAN-and-pix2pix, and what `trainer export --to onnx` writes"
    )]
    Node {
        node: String,
        operator: String,
        reason: String,
    },
    #[error(
        "has no generator that is known: {0}. Known are the U-Nets and ResNets of \
         pytorch-CycleGAN-and-pix2pix, and what `trainer export --to onnx` writes"
    )]
    OtherNetwork(String),
}
