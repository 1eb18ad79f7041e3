//! The model in training and, on several devices, its replicas: each makes every step on its
//! share of the batch, with gradients of the whole batch (see [`Communicator`]), so that all stay equal.

use std::sync::{Mutex, PoisonError};

use burn::tensor::Device;
use model::training::{Batch, Communicator, Gan, Losses, Rates, settle};
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use crate::data::{Pair, batch_of};

/// A model on each device, that of rank 0 first.
pub struct Replicas {
    models: Vec<Gan>,
    devices: Vec<Device>,
    /// A thread for each replica that stays with it: GPU back ends keep memory for every thread
    /// they see. One device needs none.
    threads: Option<ThreadPool>,
}

impl Replicas {
    /// `model`, which lies on the first device, and equal ones on the others.
    ///
    /// # Errors
    /// The threads cannot be started.
    pub fn new(model: Gan, devices: &[Device]) -> Result<Self, ThreadPoolBuildError> {
        let mut models = vec![model];
        let mut threads = None;
        if let [_, others @ ..] = devices
            && !others.is_empty()
        {
            let replicas = others.iter().map(|device| models[0].replica(device));
            let replicas: Vec<_> = replicas.collect();
            models.extend(replicas);
            let world = Communicator::world(devices.len());
            for (model, communicator) in models.iter_mut().zip(world) {
                model.communicator = communicator;
            }
            let count = devices.len();
            threads = Some(ThreadPoolBuilder::new().num_threads(count).build()?);
        }
        Ok(Self {
            models,
            devices: devices.to_vec(),
            threads,
        })
    }

    /// The model of rank 0, which stands for all: the others differ from it only in the running
    /// statistics of batch norms, which training does not use.
    pub fn lead(&self) -> &Gan {
        &self.models[0]
    }

    /// The model of each rank.
    pub fn all(&self) -> &[Gan] {
        &self.models
    }

    /// Puts an equal share of the pairs onto each device. Where there are fewer pairs than
    /// devices, which only images that had to be left out can cause, some are taken twice.
    pub fn share_out(&self, pairs: &[Pair]) -> Vec<Batch> {
        let count = self.devices.len();
        let repeated: Vec<Pair>;
        let pairs = match pairs.len() < count {
            true => {
                repeated = pairs.iter().cycle().take(count).cloned().collect();
                &repeated
            }
            false => pairs,
        };
        let from = |rank: usize| pairs.len() * rank / count;
        let devices = self.devices.iter().enumerate();
        let batches = devices.map(|(rank, device)| {
            let share = &pairs[from(rank)..from(rank + 1)];
            batch_of(share, &device.clone().autodiff())
        });
        let batches = batches.collect();
        self.settle();
        batches
    }

    /// Update number `step` with what [`Replicas::share_out`] made of a batch.
    pub fn step(mut self, batches: Vec<Batch>, step: u64, rates: Rates) -> (Self, Losses) {
        let sizes = batches.iter().map(|batch| batch.real_a.dims()[0]);
        let sizes: Vec<f64> = sizes.map(|size| size as f64).collect();
        let whole: f64 = sizes.iter().sum();
        let shares: Vec<f64> = sizes.iter().map(|size| size / whole).collect();
        for (model, share) in self.models.iter_mut().zip(&shares) {
            model.communicator.set_share(*share);
        }
        let work: Vec<_> = self.models.into_iter().zip(batches).collect();
        let done: Vec<_> = match &self.threads {
            None => {
                let steps = work.into_iter();
                steps
                    .map(|(model, batch)| model.step(&batch, step, rates))
                    .collect()
            }
            Some(threads) => {
                let work: Vec<_> = work.into_iter().map(|own| Mutex::new(Some(own))).collect();
                let done = threads.broadcast(|thread| {
                    let own = work[thread.index()].lock();
                    let own = own.unwrap_or_else(PoisonError::into_inner).take();
                    own.map(|(model, batch)| model.step(&batch, step, rates))
                });
                done.into_iter().flatten().collect()
            }
        };
        let (models, losses): (_, Vec<_>) = done.into_iter().unzip();
        self.models = models;
        let losses = Losses::weighted(losses, &shares);
        self.settle();
        (self, losses)
    }

    /// Other threads go on with what this one has asked of the devices.
    fn settle(&self) {
        if self.threads.is_some() {
            self.devices.iter().for_each(settle);
        }
    }
}
