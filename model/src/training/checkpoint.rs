//! What a checkpoint keeps of a model in training, file by file; pools of past fakes aside. Where
//! the files lie is decided elsewhere.

use burn::module::Module;
use burn::tensor::Bytes;

use super::adam::Adam;
use super::gan::Gan;
use super::hyperparameters::ModelKind;

const OPTIMIZER_G: &str = "optimizerG.bpk";
const OPTIMIZER_D: &str = "optimizerD.bpk";

/// The file of the generator of a direction, or of its average.
pub fn generator_file(kind: ModelKind, direction: usize, averaged: bool) -> String {
    let average = if averaged { "_ema" } else { "" };
    format!("{}{average}.bpk", kind.part("netG", direction))
}

fn discriminator_file(kind: ModelKind, direction: usize) -> String {
    format!("{}.bpk", kind.part("netD", direction))
}

pub struct CheckpointFile<'a> {
    pub name: String,
    content: Content<'a>,
}

type Content<'a> = Box<dyn FnOnce() -> Result<Bytes, String> + 'a>;

impl<'a> CheckpointFile<'a> {
    /// Of this content.
    pub fn new<E: ToString>(name: String, content: impl FnOnce() -> Result<Bytes, E> + 'a) -> Self {
        let content = || content().map_err(|error| error.to_string());
        Self {
            name,
            content: Box::new(content),
        }
    }

    /// Makes its content; waits for the device.
    ///
    /// # Errors
    /// What could not be packed.
    pub fn bytes(self) -> Result<Bytes, String> {
        (self.content)()
    }

    fn network(name: String, network: impl Module + 'a) -> Self {
        Self::new(name, move || network.into_record().into_bytes())
    }

    fn optimizer(name: &str, optimizer: &'a Adam) -> Self {
        Self::new(name.to_string(), || optimizer.to_bytes())
    }
}

/// The files of `model`; each is made when its turn comes, so that no two are in memory at once.
pub fn files(model: &Gan) -> Vec<CheckpointFile<'_>> {
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
    for (at, ema) in model.ema.iter().enumerate() {
        let name = generator_file(kind, at, true);
        files.push(CheckpointFile::network(name, ema.generator().clone()));
    }
    files
}

/// Where [`restore`] takes files from.
pub trait CheckpointSource {
    /// A file is missing, damaged, or of another network.
    type Error;

    /// Loads a network into one of the same shape, with the identities that the optimizer knows
    /// its parameters by.
    ///
    /// # Errors
    /// See [`Self::Error`].
    fn network<M: Module>(&self, file: &str, into: M) -> Result<M, Self::Error>;

    /// An optimizer with its state, of networks of this checkpoint.
    ///
    /// # Errors
    /// See [`Self::Error`].
    fn optimizer<M: Module>(&self, file: &str, networks: &M) -> Result<Adam, Self::Error>;
}

/// Takes everything that [`files`] gave.
///
/// # Errors
/// What the source says.
pub fn restore<S: CheckpointSource>(model: &mut Gan, from: &S) -> Result<(), S::Error> {
    let kind = model.kind;
    for (at, net_g) in model.net_g.iter_mut().enumerate() {
        *net_g = from.network(&generator_file(kind, at, false), net_g.clone())?;
    }
    for (at, net_d) in model.net_d.iter_mut().enumerate() {
        *net_d = from.network(&discriminator_file(kind, at), net_d.clone())?;
    }
    model.optimizer_g = from.optimizer(OPTIMIZER_G, &model.net_g)?;
    model.optimizer_d = from.optimizer(OPTIMIZER_D, &model.net_d)?;
    for (at, (ema, net_g)) in model.ema.iter_mut().zip(&model.net_g).enumerate() {
        // An average is kept by the identities of the parameters that it follows: those of the
        // network that has just been restored.
        ema.set(from.network(&generator_file(kind, at, true), net_g.valid())?);
    }
    Ok(())
}
