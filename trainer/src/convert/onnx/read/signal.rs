//! What flows along the edges of a graph, in the terms of a generator's plan.

use std::rc::Rc;

use model::plan::Activation;

/// Deeper expressions than any generator has between two convolutions.
const MAX_DEPTH: usize = 32;
/// A generator joins two feature maps.
const MAX_JOINED: usize = 4;

/// Feature maps, and how they came about since the last convolution.
#[derive(Clone, Debug)]
pub(super) struct Signal {
    pub kind: Rc<Kind>,
    depth: usize,
}

#[derive(Debug)]
pub(super) enum Kind {
    Image,
    /// What the convolution of this number gives.
    Layer(usize),
    Normed(Norm),
    Activated(Activation, Signal),
    Joined(Vec<Signal>),
    Sum(Signal, Signal),
    /// With so many mirrored pixels beyond each edge.
    Reflected(usize, Signal),
    /// Each pixel has become four.
    Doubled(Signal),
    /// Bilinear, with one pixel more at each edge.
    Interpolated(Signal),
    /// To `[-1, 1]`.
    Clamped(Signal),
}

/// A convolution's output, normalised.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Norm {
    pub layer: usize,
    pub statistics: Statistics,
    /// One factor for each channel, or 1.
    pub scale: Option<Vec<f32>>,
    /// One summand for each channel, or 0.
    pub shift: Option<Vec<f32>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Statistics {
    OfImage,
    OfBatch,
    Running { mean: Vec<f32>, variance: Vec<f32> },
}

impl Signal {
    pub fn image() -> Self {
        Self::leaf(Kind::Image)
    }

    pub fn layer(index: usize) -> Self {
        Self::leaf(Kind::Layer(index))
    }

    pub fn normed(norm: Norm) -> Self {
        Self::leaf(Kind::Normed(norm))
    }

    fn leaf(kind: Kind) -> Self {
        Self {
            kind: Rc::new(kind),
            depth: 0,
        }
    }

    fn upon(depth: usize, kind: Kind) -> Result<Self, String> {
        if depth > MAX_DEPTH {
            return Err("more operators follow each other than in any generator".to_owned());
        }
        Ok(Self {
            kind: Rc::new(kind),
            depth: depth + 1,
        })
    }

    /// Joined feature maps are activated one by one; what a ReLU leaves of another activation is what
    /// it leaves of its input.
    pub fn activated(&self, activation: Activation) -> Result<Self, String> {
        match &*self.kind {
            Kind::Joined(parts) => {
                let parts = parts.iter().map(|part| part.activated(activation));
                Self::joined(parts.collect::<Result<_, _>>()?)
            }
            Kind::Activated(Activation::Relu | Activation::LeakyRelu, inner)
                if activation == Activation::Relu =>
            {
                inner.activated(activation)
            }
            _ => Self::upon(self.depth, Kind::Activated(activation, self.clone())),
        }
    }

    pub fn joined(parts: Vec<Self>) -> Result<Self, String> {
        let parts = parts.into_iter().flat_map(|part| match &*part.kind {
            Kind::Joined(parts) => parts.clone(),
            _ => vec![part],
        });
        let parts: Vec<Self> = parts.take(MAX_JOINED + 1).collect();
        if parts.len() > MAX_JOINED {
            return Err(format!("it joins more than {MAX_JOINED} feature maps"));
        }
        let depth = parts.iter().map(|part| part.depth).max();
        Self::upon(depth.unwrap_or(0), Kind::Joined(parts))
    }

    pub fn sum(a: Self, b: Self) -> Result<Self, String> {
        Self::upon(a.depth.max(b.depth), Kind::Sum(a, b))
    }

    pub fn reflected(&self, width: usize) -> Result<Self, String> {
        Self::upon(self.depth, Kind::Reflected(width, self.clone()))
    }

    pub fn doubled(&self) -> Result<Self, String> {
        Self::upon(self.depth, Kind::Doubled(self.clone()))
    }

    pub fn interpolated(&self) -> Result<Self, String> {
        Self::upon(self.depth, Kind::Interpolated(self.clone()))
    }

    pub fn clamped(&self) -> Result<Self, String> {
        Self::upon(self.depth, Kind::Clamped(self.clone()))
    }
}
