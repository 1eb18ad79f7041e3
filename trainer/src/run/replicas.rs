//! The model in training and, on several devices, its replicas: each makes every step on its
//! share of the batch, with gradients of the whole batch (see [`Communicator`]), so that all stay equal.

use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::tensor::Device;
use model::training::{Communicator, Gan, LossValues, Losses, Rates, settle};
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use crate::data::{Pair, batch_of};

/// A model on each device.
pub struct Replicas {
    /// Of rank 0, which the caller's thread works on.
    lead: Gan,
    others: Vec<Gan>,
    devices: Vec<Device>,
    /// A thread for each of the others, which nothing but that thread asks of its device: GPU back
    /// ends mix up the memory of threads.
    threads: Option<ThreadPool>,
}

impl Replicas {
    /// `lead`, which lies on the first device, and equal ones on the others.
    ///
    /// # Errors
    /// The threads cannot be started.
    pub fn new(mut lead: Gan, devices: &[Device]) -> Result<Self, ThreadPoolBuildError> {
        let (mut others, mut threads) = (Vec::new(), None);
        let mut world = Communicator::world(devices.len()).into_iter();
        lead.communicator = world.next().unwrap_or_else(Communicator::alone);
        for (device, communicator) in devices.iter().skip(1).zip(world) {
            let mut replica = lead.replica(device);
            replica.communicator = communicator;
            settle(device);
            others.push(replica);
        }
        if !others.is_empty() {
            let builder = ThreadPoolBuilder::new().num_threads(others.len());
            threads = Some(builder.build()?);
        }
        Ok(Self {
            lead,
            others,
            devices: devices.to_vec(),
            threads,
        })
    }

    /// The model of rank 0, which stands for all: the others differ from it only in the running
    /// statistics of batch norms, which training does not use.
    pub fn lead(&self) -> &Gan {
        &self.lead
    }

    /// The models of the other ranks.
    pub fn others(&self) -> &[Gan] {
        &self.others
    }

    /// Update number `step` with a batch, of which each device gets an equal share.
    pub fn step(mut self, pairs: &[Pair], step: u64, rates: Rates) -> (Self, Losses) {
        let Some(threads) = &self.threads else {
            let losses;
            (self.lead, losses) = made_step(self.lead, &self.devices[0], pairs, (step, rates));
            return (self, losses);
        };
        let shared = Shares::of(pairs, self.devices.len());
        let mut lead = self.lead;
        lead.communicator.set_share(shared.part(0));
        let own: Vec<_> = self
            .others
            .into_iter()
            .map(|own| Mutex::new(Some(own)))
            .collect();
        let done: Vec<_> = own.iter().map(|_| Mutex::new(None)).collect();
        let losses;
        (lead, losses) = threads.in_place_scope(|scope| {
            scope.spawn_broadcast(|_, thread| {
                let (at, rank) = (thread.index(), thread.index() + 1);
                let Some(mut model) = locked(&own[at]).take() else {
                    return;
                };
                model.communicator.set_share(shared.part(rank));
                let (device, pairs) = (&self.devices[rank], shared.pairs(rank));
                let (model, losses) = made_step(model, device, pairs, (step, rates));
                *locked(&done[at]) = Some((model, losses.read()));
            });
            made_step(lead, &self.devices[0], shared.pairs(0), (step, rates))
        });
        let (others, of_others): (_, Vec<LossValues>) =
            done.iter().filter_map(|done| locked(done).take()).unzip();
        let parts = (1..).map(|rank| shared.part(rank));
        let losses = losses.weighted(shared.part(0), of_others.iter().zip(parts));
        (
            Self {
                lead,
                others,
                ..self
            },
            losses,
        )
    }
}

fn made_step(
    model: Gan,
    device: &Device,
    pairs: &[Pair],
    (step, rates): (u64, Rates),
) -> (Gan, Losses) {
    let batch = batch_of(pairs, &device.clone().autodiff());
    model.step(&batch, step, rates)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Pairs for each device, about as many. Where there are fewer pairs than devices, which only images
/// that had to be left out can cause, some are taken twice.
struct Shares<'a> {
    pairs: Cow<'a, [Pair]>,
    count: usize,
}

impl<'a> Shares<'a> {
    fn of(pairs: &'a [Pair], count: usize) -> Self {
        let pairs = match pairs.len() < count {
            true => pairs.iter().cycle().take(count).cloned().collect(),
            false => Cow::Borrowed(pairs),
        };
        Self { pairs, count }
    }

    fn pairs(&self, rank: usize) -> &[Pair] {
        let from = |rank: usize| self.pairs.len() * rank / self.count;
        &self.pairs[from(rank)..from(rank + 1)]
    }

    /// Of the whole.
    fn part(&self, rank: usize) -> f64 {
        self.pairs(rank).len() as f64 / self.pairs.len() as f64
    }
}
