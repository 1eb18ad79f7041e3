//! What the replicas of a training step, each on a device and a thread of its own or in a worker of
//! its own, do together: all-reduce of gradients, and gather and scatter of images. Through host
//! memory: a device hands the memory of a tensor on as soon as the last thread has asked for its last
//! use, and does not wait for what other threads have asked for before.

use std::panic::resume_unwind;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use futures_channel::mpsc::{
    UnboundedReceiver as Receiver, UnboundedSender as Sender, unbounded as channel,
};

use super::adam::gradients_of;
use super::traversal::with_each_gradient;
use crate::network::precision::Precision;

/// A replica's link to the others; the lead is the one of rank 0.
pub struct Communicator {
    rank: usize,
    count: usize,
    /// What part of the batch this replica has.
    share: f64,
    exchange: Exchange<TensorData>,
}

impl Communicator {
    /// Of a model that has no replicas.
    pub fn alone() -> Self {
        Self {
            rank: 0,
            count: 1,
            share: 1.0,
            exchange: Exchange::Alone,
        }
    }

    /// Of `count` replicas, in the order of ranks.
    pub fn world(count: usize) -> Vec<Self> {
        let exchanges = Exchange::of(count).into_iter().enumerate();
        exchanges
            .map(|(rank, exchange)| Self {
                rank,
                count,
                share: 1.0 / count as f64,
                exchange,
            })
            .collect()
    }

    /// Of a replica whose fellows live in other memories, and what whoever carries between them holds:
    /// what is handed in comes out there, and the sum over all replicas is to be sent back.
    pub fn linked(rank: usize, count: usize) -> (Self, Link) {
        let (to_others, from_replica) = channel();
        let (to_replica, from_others) = channel();
        let communicator = Self {
            rank,
            count,
            share: 1.0 / count as f64,
            exchange: Exchange::Follower(to_others, from_others),
        };
        let link = Link {
            outgoing: from_replica,
            incoming: to_replica,
        };
        (communicator, link)
    }

    /// Says what part of the next batch this replica has; all parts together are 1.
    pub fn set_share(&mut self, share: f64) {
        self.share = share;
    }

    /// Where this replica's random numbers of a step lie in their stream.
    pub fn position(&self, step: u64) -> u64 {
        step * self.count as u64 + self.rank as u64
    }

    /// The gradients, for the parameters of `network`, of the mean over the whole batch, of which
    /// `loss` is the mean over this replica's share. They are summed on the lead in the order of
    /// ranks, so that all replicas get the same numbers, and the same ones each time.
    pub async fn gradients<M: Module>(
        &mut self,
        network: &M,
        loss: &Tensor<1>,
        precision: Precision,
    ) -> GradientsParams {
        if self.count == 1 {
            return gradients_of(network, loss, precision);
        }
        let device = loss.clone().inner().device();
        let mut gradients = gradients_of(network, &(loss.clone() * self.share), precision);
        // Behind each other, so that one read fetches all.
        let mut parts = Vec::new();
        with_each_gradient(network, &mut gradients, &mut |gradient| {
            parts.push(gradient.clone());
            gradient
        });
        let mine = Tensor::cat(parts, 0).into_data();
        let summed = |all: Vec<TensorData>| {
            let count = all.len();
            let all = all
                .into_iter()
                .map(|one| Tensor::<1>::from_data(one, &device));
            let sum = all.reduce(|sum, one| sum + one).map(Tensor::into_data);
            sum.map_or_else(Vec::new, |sum| vec![sum; count])
        };
        let sum = self.exchange.exchange(mine, summed).await;
        let (sum, mut at) = (Tensor::<1>::from_data(sum, &device), 0);
        with_each_gradient(network, &mut gradients, &mut |gradient| {
            let count = gradient.dims()[0];
            at += count;
            sum.clone().narrow(0, at - count, count)
        });
        gradients
    }

    /// Gathers the images of all replicas, `[batch, channels, height, width]`, has the lead `change`
    /// them as if one had made them, and scatters as many as went in.
    pub async fn gather_scatter(
        &mut self,
        mine: Tensor<4>,
        change: impl FnOnce(Tensor<4>) -> Tensor<4>,
    ) -> Tensor<4> {
        if self.count == 1 {
            return change(mine);
        }
        let device = mine.device();
        let changed = |all: Vec<TensorData>| {
            let all = all.into_iter().map(|one| Tensor::from_data(one, &device));
            let all: Vec<Tensor<4>> = all.collect();
            let counts = all.iter().map(|images| images.dims()[0]).collect();
            let changed = change(Tensor::cat(all, 0)).split_with_sizes(counts, 0);
            changed.into_iter().map(Tensor::into_data).collect()
        };
        let back = self.exchange.exchange(mine.into_data(), changed).await;
        Tensor::from_data(back, &device)
    }
}

/// The other end of a [linked](Communicator::linked) replica.
pub struct Link {
    /// What the replica hands in.
    pub outgoing: Receiver<TensorData>,
    /// Takes the sum over all replicas, in the order of ranks.
    pub incoming: Sender<TensorData>,
}

/// Values that are added at a time: few enough for the first cache.
const PIECE: usize = 1 << 12;

/// Makes `mine`, what the replica of `rank` has, the sum over all in the order of ranks. `read` copies
/// what one of so many `others`, which are in that order too, has from a place on.
pub fn add_others(
    mine: &mut [f32],
    rank: usize,
    others: usize,
    read: &dyn Fn(usize, usize, &mut [f32]),
) {
    let mut buffers = [[0.0; PIECE]; 2];
    for (index, mine) in mine.chunks_mut(PIECE).enumerate() {
        let [earlier, theirs] = buffers.each_mut().map(|values| &mut values[..mine.len()]);
        let read = |other, into: &mut [f32]| read(other, index * PIECE, into);
        if rank > 0 {
            read(0, earlier);
            for other in 1..rank {
                read(other, theirs);
                add(earlier, theirs);
            }
            add(mine, earlier);
        }
        for other in rank..others {
            read(other, theirs);
            add(mine, theirs);
        }
    }
}

fn add(sum: &mut [f32], more: &[f32]) {
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum += more;
    }
}

/// Everyone hands something in, and gets back what the lead made of it.
enum Exchange<T> {
    Alone,
    Lead(Vec<(Receiver<T>, Sender<T>)>),
    Follower(Sender<T>, Receiver<T>),
}

impl<T> Exchange<T> {
    fn of(count: usize) -> Vec<Self> {
        let (ends, followers): (Vec<_>, Vec<_>) = (1..count)
            .map(|_| {
                let (to_lead, from_follower) = channel();
                let (to_follower, from_lead) = channel();
                let follower = Self::Follower(to_lead, from_lead);
                ((from_follower, to_follower), follower)
            })
            .unzip();
        let lead = Self::Lead(ends);
        std::iter::once(lead).chain(followers).collect()
    }

    /// `combine` takes everyone's in the order of ranks and gives as many.
    async fn exchange(&mut self, mine: T, combine: impl FnOnce(Vec<T>) -> Vec<T>) -> T {
        let result = match self {
            Self::Alone => combine(vec![mine]).pop(),
            Self::Lead(followers) => {
                let mut all = vec![mine];
                for (from, _) in followers.iter_mut() {
                    all.push(from.recv().await.unwrap_or_else(|_| replica_died()));
                }
                let mut results = combine(all).into_iter();
                let own = results.next();
                for ((_, to), result) in followers.iter().zip(results) {
                    // One that has died meanwhile says so itself.
                    let _ = to.unbounded_send(result);
                }
                own
            }
            Self::Follower(to, from) => {
                // Without anyone to take it, nobody answers either.
                let _ = to.unbounded_send(mine);
                from.recv().await.ok()
            }
        };
        result.unwrap_or_else(|| replica_died())
    }
}

/// A replica's thread has panicked, and has said why; this one must not wait for it for ever.
fn replica_died() -> ! {
    resume_unwind(Box::new("another replica has died"))
}

/// Has everything done that this thread has asked of a device, before another thread goes on with it.
pub fn settle(device: &Device) {
    // A device that fails says so where its results are read.
    let _ = device.sync();
}
