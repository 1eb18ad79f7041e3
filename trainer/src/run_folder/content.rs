//! What a checkpoint keeps of a model in training, file by file.

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::tensor::{Bytes, Device};
use model::training::{Gan, ModelKind};

use super::checkpoint::Checkpoint;
use super::error::RunFolderError;
use super::pool::pool_bytes;

const OPTIMIZER_G: &str = "optimizerG.bpk";
const OPTIMIZER_D: &str = "optimizerD.bpk";

/// The file of the generator of a direction, or of its average.
pub(super) fn generator_file(kind: ModelKind, direction: usize, averaged: bool) -> String {
    let average = if averaged { "_ema" } else { "" };
    format!("{}{average}.bpk", kind.part("netG", direction))
}

fn discriminator_file(kind: ModelKind, direction: usize) -> String {
    format!("{}.bpk", kind.part("netD", direction))
}

fn pool_file(kind: ModelKind, direction: usize) -> String {
    format!("{}.safetensors", kind.part("pool", direction))
}

/// A file of a checkpoint.
pub(super) struct CheckpointFile<'a> {
    pub name: String,
    content: Content<'a>,
}

type Content<'a> = Box<dyn FnOnce() -> Result<Bytes, String> + 'a>;

impl<'a> CheckpointFile<'a> {
    /// Makes its content; waits for the device.
    pub fn bytes(self) -> Result<Bytes, String> {
        (self.content)()
    }

    fn new<E: ToString>(name: String, content: impl FnOnce() -> Result<Bytes, E> + 'a) -> Self {
        let content = || content().map_err(|error| error.to_string());
        Self {
            name,
            content: Box::new(content),
        }
    }

    fn network(name: String, network: impl Module + 'a) -> Self {
        Self::new(name, move || network.into_record().into_bytes())
    }

    fn optimizer(name: &str, optimizer: &'a ModuleOptimizer) -> Self {
        Self::new(name.to_string(), || optimizer.into_bytes())
    }
}

/// The files of `model`; each is made when its turn comes, so that no two are in memory at once.
pub(super) fn files(model: &Gan) -> Vec<CheckpointFile<'_>> {
    let kind = model.kind;
    let mut files = Vec::new();
    for (at, net_g) in model.net_g.iter().enumerate() {
        let name = generator_file(kind, at, false);
        files.push(CheckpointFile::network(name, net_g.valid()));
    }
    for (at, net_d) in model.net_d.iter().enumerate() {
        let name = discriminator_file(kind, at);
        files.push(CheckpointFile::network(name, net_d.valid()));
    }
    files.push(CheckpointFile::optimizer(OPTIMIZER_G, &model.optimizer_g));
    files.push(CheckpointFile::optimizer(OPTIMIZER_D, &model.optimizer_d));
    for (at, pool) in model.pools.iter().enumerate() {
        files.push(CheckpointFile::new(pool_file(kind, at), || {
            pool_bytes(pool)
        }));
    }
    for (at, ema) in model.ema.iter().enumerate() {
        let name = generator_file(kind, at, true);
        files.push(CheckpointFile::network(name, ema.generator().clone()));
    }
    files
}

/// Takes everything from a checkpoint that [`files`] put into it.
///
/// # Errors
/// A file is damaged, or of another network.
pub(super) fn restore(model: &mut Gan, from: &Checkpoint) -> Result<(), RunFolderError> {
    let kind = model.kind;
    for (at, net_g) in model.net_g.iter_mut().enumerate() {
        *net_g = from.network(&generator_file(kind, at, false), net_g.clone())?;
    }
    for (at, net_d) in model.net_d.iter_mut().enumerate() {
        *net_d = from.network(&discriminator_file(kind, at), net_d.clone())?;
    }
    model.optimizer_g = from.optimizer(OPTIMIZER_G, &model.net_g)?;
    model.optimizer_d = from.optimizer(OPTIMIZER_D, &model.net_d)?;
    let devices = model.net_g.devices();
    let device = devices.first().cloned().unwrap_or_else(Device::flex);
    for (at, pool) in model.pools.iter_mut().enumerate() {
        from.pool(&pool_file(kind, at), pool, &device)?;
    }
    for (at, (ema, net_g)) in model.ema.iter_mut().zip(&model.net_g).enumerate() {
        // An average is kept by the identities of the parameters that it follows: those of the
        // network that has just been restored.
        ema.set(from.network(&generator_file(kind, at, true), net_g.valid())?);
    }
    Ok(())
}
