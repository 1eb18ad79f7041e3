//! What a checkpoint keeps of a model in training, file by file: the model's own files, and its
//! pools of past fakes.

use burn::module::Module;
use burn::tensor::Device;
use model::training::checkpoint::{self, CheckpointFile};
use model::training::{Gan, ModelKind};

use super::checkpoint::Checkpoint;
use super::error::RunFolderError;
use super::pool::pool_bytes;

fn pool_file(kind: ModelKind, direction: usize) -> String {
    format!("{}.safetensors", kind.part("pool", direction))
}

/// The files of `model`; each is made when its turn comes, so that no two are in memory at once.
pub(super) fn files(model: &Gan) -> Vec<CheckpointFile<'_>> {
    let mut files = checkpoint::files(model);
    for (at, pool) in model.pools.iter().enumerate() {
        files.push(CheckpointFile::new(pool_file(model.kind, at), || {
            pool_bytes(pool)
        }));
    }
    files
}

/// Takes everything from a checkpoint that [`files`] put into it.
///
/// # Errors
/// A file is damaged, or of another network.
pub(super) fn restore(model: &mut Gan, from: &Checkpoint) -> Result<(), RunFolderError> {
    checkpoint::restore(model, from)?;
    let devices = model.net_g.devices();
    let device = devices.first().cloned().unwrap_or_else(Device::flex);
    for (at, pool) in model.pools.iter_mut().enumerate() {
        from.pool(&pool_file(model.kind, at), pool, &device)?;
    }
    Ok(())
}
