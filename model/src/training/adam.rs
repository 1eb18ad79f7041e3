//! Adam as the papers use it, gradients in the form that it takes fastest, and its state from a
//! checkpoint.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{
    Adam, AdamState, AdaptiveMomentumState, GradientsParams, LearningRate, ModuleOptimizer,
    Optimizer, RecordState, StateSink, StateSource,
};
use burn::tensor::{Bytes, Device, Tensor, TensorData};
use burn_pack::Reader;
use rayon::prelude::*;

use crate::network::cpu::is_cpu;
use crate::network::precision::Precision;
use crate::vector::Instructions;

const BETA_1: f32 = 0.5;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// Values that one thread updates at a time.
const PIECE: usize = 1 << 14;

/// Adam with the momentum of the papers (arXiv 1611.07004, section 3.3) and PyTorch's epsilon.
pub fn adam() -> ModuleOptimizer {
    ModuleOptimizer::from(PapersAdam)
}

/// Parameters of the networks that an optimizer updates: their shapes by their identities.
#[derive(Default)]
pub struct Parameters(BTreeMap<u64, Vec<usize>>);

impl Parameters {
    /// Those of `networks`.
    pub fn of<M: Module>(networks: &M) -> Self {
        let mut parameters = Self::default();
        networks.visit(&mut parameters);
        parameters
    }
}

impl ModuleVisitor for Parameters {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.insert(param.id.val(), param.lazy_shape().to_vec());
    }
}

/// [`adam`] with the state in `bytes`, which is that of `parameters`.
///
/// # Errors
/// What is wrong with the bytes.
pub fn restored(bytes: Bytes, parameters: &Parameters) -> Result<ModuleOptimizer, String> {
    let bytes = bytes.shared();
    check_state(bytes.clone(), parameters)?;
    adam().from_bytes(bytes).map_err(|error| error.to_string())
}

/// What burn takes for granted, and ends the program without.
fn check_state(bytes: Bytes, parameters: &Parameters) -> Result<(), String> {
    let state = Reader::from_bytes(bytes).map_err(|error| error.to_string())?;
    for (name, rank) in state.scalars() {
        let Some(id) = name.strip_suffix(".__rank") else {
            continue;
        };
        let shape = id.parse().ok().and_then(|id: u64| parameters.0.get(&id));
        if shape.map(Vec::len) != usize::try_from(*rank).ok() {
            return Err(format!("\"{name}\" is not of these networks"));
        }
    }
    for tensor in state.into_tensors().map_err(|error| error.to_string())? {
        let id = tensor
            .param_id
            .filter(|id| tensor.name.starts_with(&format!("{id}.")));
        let shape = id.and_then(|id| parameters.0.get(&id));
        if shape.is_none_or(|shape| **shape != *tensor.shape.to_vec()) {
            return Err(format!("\"{}\" is not of these networks", tensor.name));
        }
    }
    Ok(())
}

/// Adam (arXiv 1412.6980, algorithm 1) as PyTorch computes it, with corrections of the moments in 64
/// bits: in 32 bits they are off by a hundred times what all else rounds.
#[derive(Clone)]
struct PapersAdam;

/// Burn restores the state of an optimizer on its default device, which may be a GPU that the run does
/// not use: this waits on the CPU until a step takes it to where the weights are.
#[derive(Clone)]
struct RestorableState<const D: usize>(AdamState<D>);

impl Optimizer for PapersAdam {
    type State<const D: usize> = RestorableState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let momentum = state.map_or_else(
            || AdaptiveMomentumState::new(0, tensor.zeros_like(), tensor.zeros_like()),
            |state| state.0.momentum,
        );
        let correction = |beta: f32| 1.0 - f64::from(beta).powi(momentum.time as i32 + 1);
        let factors = Factors {
            step_size: (lr / correction(BETA_1)) as f32,
            root: (1.0 / correction(BETA_2).sqrt()) as f32,
        };
        let (tensor, momentum) = match is_cpu(&tensor.device()) {
            true => in_one_pass(factors, tensor, grad, momentum),
            false => in_operations(factors, tensor, grad, momentum),
        };
        (tensor, Some(RestorableState(AdamState::new(momentum))))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        RestorableState(Adam::to_device(state.0, device))
    }
}

impl<const D: usize> RecordState for RestorableState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        self.0.state_flatten(prefix, out);
    }

    fn state_unflatten(prefix: &str, source: &mut StateSource, _default: &Device) -> Option<Self> {
        AdamState::state_unflatten(prefix, source, &Device::flex()).map(Self)
    }
}

/// What changes with the step and is the same for all values.
struct Factors {
    step_size: f32,
    root: f32,
}

/// Operations that burn fuses into one kernel. Of vectors: such a kernel mixes up the values of tensors
/// that lie in another order, which burn cannot tell where a dimension is 1.
fn in_operations<const D: usize>(
    Factors { step_size, root }: Factors,
    weights: Tensor<D>,
    gradients: Tensor<D>,
    momentum: AdaptiveMomentumState<D>,
) -> (Tensor<D>, AdaptiveMomentumState<D>) {
    let shape = weights.dims();
    let count = shape.iter().product::<usize>();
    let [weights, gradients, means, squares] =
        [weights, gradients, momentum.moment_1, momentum.moment_2]
            .map(|tensor| tensor.reshape([count]));
    let squared: Tensor<1> = gradients.clone() * gradients.clone();
    let means = means * BETA_1 + gradients * (1.0 - BETA_1);
    let squares = squares * BETA_2 + squared * (1.0 - BETA_2);
    let weights = weights - means.clone() * step_size / (squares.clone().sqrt() * root + EPSILON);
    let [weights, means, squares] = [weights, means, squares].map(|vector| vector.reshape(shape));
    let momentum = AdaptiveMomentumState::new(momentum.time + 1, means, squares);
    (weights, momentum)
}

/// On the CPU each operation would walk through all values.
fn in_one_pass<const D: usize>(
    Factors { step_size, root }: Factors,
    tensor: Tensor<D>,
    grad: Tensor<D>,
    momentum: AdaptiveMomentumState<D>,
) -> (Tensor<D>, AdaptiveMomentumState<D>) {
    let (device, shape) = (tensor.device(), tensor.dims());
    let time = momentum.time + 1;
    // Without a copy where nobody else holds the tensor.
    let values = |tensor: Tensor<D>| {
        let data = tensor.into_data().convert::<f32>();
        data.try_into_vec::<f32>().unwrap_or_default()
    };
    let (mut weights, gradients) = (values(tensor), values(grad));
    let (mut means, mut squares) = (values(momentum.moment_1), values(momentum.moment_2));
    weights
        .par_chunks_mut(PIECE)
        .zip(gradients.par_chunks(PIECE))
        .zip(
            means
                .par_chunks_mut(PIECE)
                .zip(squares.par_chunks_mut(PIECE)),
        )
        .for_each(|((weights, gradients), (means, squares))| {
            Instructions::in_use().run(
                #[inline(always)]
                || {
                    let moments = means.iter_mut().zip(squares);
                    for ((weight, gradient), (mean, square)) in
                        weights.iter_mut().zip(gradients).zip(moments)
                    {
                        *mean = BETA_1 * *mean + (1.0 - BETA_1) * gradient;
                        *square = BETA_2 * *square + (1.0 - BETA_2) * gradient * gradient;
                        *weight -= step_size * *mean / (square.sqrt() * root + EPSILON);
                    }
                },
            );
        });

    let tensor = |values: Vec<f32>| Tensor::from_data(TensorData::new(values, shape), &device);
    let momentum = AdaptiveMomentumState::new(time, tensor(means), tensor(squares));
    (tensor(weights), momentum)
}

/// The gradients of `loss` for the parameters of `network`, and of no other.
pub fn gradients_of<M: Module>(
    network: &M,
    loss: &Tensor<1>,
    precision: Precision,
) -> GradientsParams {
    let scale = precision.loss_scale();
    let loss = if scale == 1.0 {
        loss.clone()
    } else {
        loss.clone() * scale
    };
    let mut gradients = GradientsParams::from_grads(loss.backward(), network);
    network.visit(&mut Prepared {
        gradients: &mut gradients,
        scale,
    });
    gradients
}

/// Gradients of convolution weights come as transposed views, through which the optimizer would walk
/// slowly on a CPU, and whose values burn's fused kernels mix up on GPUs where one dimension is 1;
/// flattening copies them once into order.
struct Prepared<'a> {
    gradients: &'a mut GradientsParams,
    /// What they are divided by.
    scale: f64,
}

impl ModuleVisitor for Prepared<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            let shape = gradient.dims();
            let count: usize = shape.iter().product();
            let mut gradient = gradient.reshape([count]).reshape(shape);
            if self.scale != 1.0 {
                gradient = gradient / self.scale;
            }
            self.gradients.register(param.id, gradient);
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::LinearConfig;
    use burn_pack::{DType, Tensor as Packed, Writer};

    use super::*;

    /// The state of one parameter, as a checkpoint has it.
    fn state(name: String, id: Option<u64>, shape: &[usize], rank: (String, usize)) -> Bytes {
        let values = shape.iter().product::<usize>();
        let moments = ["momentum.moment_1", "momentum.moment_2"].map(|moment| {
            let bytes = Bytes::from_bytes_vec(vec![0; 4 * values]);
            let name = format!("{name}.{moment}");
            Packed::new(name, DType::F32, shape.to_vec(), id, bytes)
        });
        let writer = Writer::new(moments.to_vec()).with_scalar(&rank.0, rank.1.into());
        writer.into_bytes().expect("room")
    }

    #[test]
    fn a_state_that_is_not_of_the_networks_is_refused_and_ends_nothing() {
        let network = LinearConfig::new(2, 3)
            .with_bias(false)
            .init(&Device::flex());
        let parameters = Parameters::of(&network);
        let (&id, shape) = parameters.0.first_key_value().expect("its weight");
        let rank = |id: u64, rank| (format!("{id}.__rank"), rank);
        let whole = state(id.to_string(), Some(id), shape, rank(id, 2));
        assert!(restored(whole, &parameters).is_ok());
        let other = id ^ 1;
        for wrong in [
            state(id.to_string(), None, shape, rank(id, 2)),
            state(id.to_string(), Some(other), shape, rank(id, 2)),
            state(other.to_string(), Some(id), shape, rank(id, 2)),
            state(id.to_string(), Some(id), &[3, 2, 1], rank(id, 2)),
            state(id.to_string(), Some(id), &[6], rank(id, 2)),
            state(id.to_string(), Some(id), shape, rank(id, 9)),
            state(id.to_string(), Some(id), shape, rank(other, 2)),
        ] {
            assert!(restored(wrong, &parameters).is_err());
        }
    }
}
