//! What goes from layer to layer, kept for the next image of the same size.

use super::accumulators::Accumulators;
use super::features::Features;
use crate::inference::dataflow::{Dataflow, MapShape, Size};

/// Room for one forward pass, or for a worker's part of it.
#[derive(Debug)]
pub(super) struct Buffers {
    made_for: MadeFor,
    /// One for each map of the dataflow.
    pub features: Vec<Features>,
    /// Where a layer's outputs are not shared any more: all rows of what it reads.
    pub gathered: Vec<Option<Features>>,
    pub accumulators: Accumulators,
}

/// The image, how many workers share it, and which of them this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MadeFor {
    pub size: Size,
    pub workers: usize,
    pub worker: usize,
}

impl Buffers {
    /// `rows` says how many of the rows of a map there are here.
    pub fn new(dataflow: &Dataflow, made_for: MadeFor, rows: impl Fn(MapShape) -> usize) -> Self {
        let features = dataflow.maps.iter().map(|shape| {
            let size = Size {
                height: rows(*shape),
                ..shape.size(made_for.size)
            };
            Features::new(size, shape.border)
        });
        Self {
            made_for,
            features: features.collect(),
            gathered: Vec::new(),
            accumulators: Accumulators::default(),
        }
    }

    pub fn fit(&self, wanted: MadeFor) -> bool {
        self.made_for == wanted
    }
}
