//! Adam as the papers use it, its state in a checkpoint, and gradients in the form that it takes
//! fastest.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Bytes, DType, Device, ExecutionError, Tensor, TensorData};
use burn_pack::{Reader, Tensor as Packed, Writer};

use super::traversal::with_each_gradient;
use crate::network::cpu::is_cpu;
use crate::network::parameter::flat;
use crate::network::precision::Precision;
use crate::vector::Instructions;
use crate::vector::threads::*;

const BETA_1: f32 = 0.5;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// Values that one thread updates at a time.
const PIECE: usize = 1 << 14;

/// Adam (arXiv 1412.6980, algorithm 1) as PyTorch computes it, with the momentum of the papers (arXiv
/// 1611.07004, section 3.3), and corrections of the moments in 64 bits: in 32 bits they are off by a
/// hundred times what all else rounds.
#[derive(Clone, Default)]
pub struct Adam(BTreeMap<u64, Moments>);

/// Of the gradients of one parameter.
#[derive(Clone)]
struct Moments {
    /// Steps made.
    time: usize,
    shape: Vec<usize>,
    means: Tensor<1>,
    squares: Tensor<1>,
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

impl Adam {
    /// Moves the parameters of `networks` that have gradients.
    pub fn step<M: Module>(&mut self, rate: f64, networks: M, gradients: GradientsParams) -> M {
        networks.map(&mut Update {
            rate,
            gradients,
            moments: &mut self.0,
        })
    }

    /// The state as a checkpoint has it; waits for the device.
    ///
    /// # Errors
    /// What could not be packed.
    pub fn to_bytes(&self) -> Result<Bytes, String> {
        let mut tensors = Vec::new();
        for (id, moments) in &self.0 {
            for (name, values) in [("moment_1", &moments.means), ("moment_2", &moments.squares)] {
                let (name, shape) = (name_of(*id, name), moments.shape.clone());
                let bytes = values.to_data().into_bytes();
                tensors.push(Packed::new(name, DType::F32, shape, Some(*id), bytes));
            }
        }
        let writer = Writer::new(tensors);
        let with_scalars = self.0.iter().fold(writer, |writer, (id, moments)| {
            let writer = writer.with_scalar(&name_of(*id, "time"), moments.time.into());
            writer.with_scalar(&format!("{id}.__rank"), moments.shape.len().into())
        });
        with_scalars.into_bytes().map_err(|error| error.to_string())
    }

    /// The state in `bytes`, which is that of `parameters`; on the CPU until a step takes it to where
    /// the weights are.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn from_bytes(bytes: Bytes, parameters: &Parameters) -> Result<Self, String> {
        let state = Reader::from_bytes(bytes).map_err(|error| error.to_string())?;
        let times = state.scalars().clone();
        let mut tensors = BTreeMap::new();
        for tensor in state.into_tensors().map_err(|error| error.to_string())? {
            let parts = tensor.into_parts().map_err(|error| error.to_string())?;
            let (name, dtype, shape, id, bytes) = parts;
            let expected = id.and_then(|id| parameters.0.get(&id));
            let count: usize = expected.map_or(0, |shape| shape.iter().product());
            if expected.is_none_or(|expected| **expected != *shape.to_vec())
                || dtype != DType::F32
                || bytes.len() != count * size_of::<f32>()
            {
                return Err(format!("\"{name}\" is not of these networks"));
            }
            let data = TensorData::from_bytes(bytes, [count], DType::F32);
            tensors.insert(name, Tensor::from_data(data, &Device::flex()));
        }
        let mut moments = BTreeMap::new();
        for (id, shape) in &parameters.0 {
            let [means, squares] =
                ["moment_1", "moment_2"].map(|name| tensors.remove(&name_of(*id, name)));
            let time = times.get(&name_of(*id, "time"));
            let time = time.and_then(|time| usize::try_from(*time).ok());
            match (time, means, squares) {
                (Some(time), Some(means), Some(squares)) => {
                    let shape = shape.clone();
                    let of_parameter = Moments {
                        time,
                        shape,
                        means,
                        squares,
                    };
                    moments.insert(*id, of_parameter);
                }
                // No step has moved it yet.
                (None, None, None) => {}
                _ => return Err(format!("what it has of \"{id}\" is not complete")),
            }
        }
        match tensors.into_keys().next() {
            Some(name) => Err(format!("\"{name}\" is not of these networks")),
            None => Ok(Self(moments)),
        }
    }

    /// The same state on the CPU.
    ///
    /// # Errors
    /// The device has failed.
    pub async fn on_cpu(&self) -> Result<Self, ExecutionError> {
        let mut all = BTreeMap::new();
        for (id, moments) in &self.0 {
            let means = moments.means.to_data_async().await?;
            let squares = moments.squares.to_data_async().await?;
            let [means, squares] =
                [means, squares].map(|data| Tensor::from_data(data, &Device::flex()));
            let shape = moments.shape.clone();
            let on_cpu = Moments {
                time: moments.time,
                shape,
                means,
                squares,
            };
            all.insert(*id, on_cpu);
        }
        Ok(Self(all))
    }
}

fn name_of(id: u64, what: &str) -> String {
    format!("{id}.momentum.{what}")
}

struct Update<'a> {
    rate: f64,
    gradients: GradientsParams,
    moments: &'a mut BTreeMap<u64, Moments>,
}

impl ModuleMapper for Update<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else {
            return param;
        };
        let (id, shape) = (param.id.val(), gradient.dims());
        param.map(|weights| {
            let weights = self.moved(id, &shape, flat(weights.inner()), flat(gradient));
            Tensor::from_inner(weights.reshape(shape)).require_grad()
        })
    }
}

impl Update<'_> {
    /// One function for all ranks.
    fn moved(
        &mut self,
        id: u64,
        shape: &[usize],
        weights: Tensor<1>,
        gradient: Tensor<1>,
    ) -> Tensor<1> {
        let kept = self.moments.remove(&id);
        let kept = kept.unwrap_or_else(|| Moments::none(shape, &gradient.device()));
        let (weights, moments) = kept.update(self.rate, weights, gradient);
        self.moments.insert(id, moments);
        weights
    }
}

/// What changes with the step and is the same for all values.
struct Factors {
    step_size: f32,
    root: f32,
}

impl Moments {
    fn none(shape: &[usize], device: &Device) -> Self {
        let zeros = Tensor::zeros([shape.iter().product::<usize>()], device);
        Self {
            time: 0,
            shape: shape.to_vec(),
            means: zeros.clone(),
            squares: zeros,
        }
    }

    fn update(mut self, rate: f64, weights: Tensor<1>, gradient: Tensor<1>) -> (Tensor<1>, Self) {
        self.time += 1;
        let correction = |beta: f32| 1.0 - f64::from(beta).powi(self.time as i32);
        let factors = Factors {
            step_size: (rate / correction(BETA_1)) as f32,
            root: (1.0 / correction(BETA_2).sqrt()) as f32,
        };
        let device = weights.device();
        self.means = self.means.to_device(&device);
        self.squares = self.squares.to_device(&device);
        match is_cpu(&device) {
            true => self.in_one_pass(factors, weights, gradient),
            false => self.in_operations(factors, weights, gradient),
        }
    }

    /// Operations that burn fuses into one kernel. Of vectors, as everything here: such a kernel mixes
    /// up the values of tensors that lie in another order, which burn cannot tell where a dimension is 1.
    fn in_operations(
        self,
        Factors { step_size, root }: Factors,
        weights: Tensor<1>,
        gradient: Tensor<1>,
    ) -> (Tensor<1>, Self) {
        let squared: Tensor<1> = gradient.clone() * gradient.clone();
        let means = self.means * BETA_1 + gradient * (1.0 - BETA_1);
        let squares = self.squares * BETA_2 + squared * (1.0 - BETA_2);
        let weights =
            weights - means.clone() * step_size / (squares.clone().sqrt() * root + EPSILON);
        let moments = Self {
            means,
            squares,
            ..self
        };
        (weights, moments)
    }

    /// On the CPU each operation would walk through all values.
    fn in_one_pass(
        self,
        Factors { step_size, root }: Factors,
        weights: Tensor<1>,
        gradient: Tensor<1>,
    ) -> (Tensor<1>, Self) {
        let device = weights.device();
        let (mut weights, gradients) = (values_of(weights), values_of(gradient));
        let (mut means, mut squares) = (values_of(self.means), values_of(self.squares));
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
        let vector = |values: Vec<f32>| {
            let count = values.len();
            Tensor::from_data(TensorData::new(values, [count]), &device)
        };
        let moments = Self {
            means: vector(means),
            squares: vector(squares),
            ..self
        };
        (vector(weights), moments)
    }
}

/// Without a copy where nobody else holds the tensor.
fn values_of(tensor: Tensor<1>) -> Vec<f32> {
    let data = tensor.into_data().convert::<f32>();
    data.try_into_vec::<f32>().unwrap_or_default()
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
    // Gradients of convolution weights come as transposed views, through which the optimizer would walk
    // slowly on a CPU, and whose values burn's fused kernels mix up on GPUs where one dimension is 1;
    // flattening copies them once into order.
    with_each_gradient(network, &mut gradients, &mut |gradient| match scale {
        1.0 => gradient,
        scale => gradient / scale,
    });
    gradients
}

#[cfg(test)]
mod tests {
    use burn::nn::LinearConfig;

    use super::*;

    #[test]
    fn a_state_that_is_not_of_the_networks_is_refused_and_ends_nothing() {
        let network = LinearConfig::new(2, 3)
            .with_bias(false)
            .init(&Device::flex());
        let parameters = Parameters::of(&network);
        let (&id, shape) = parameters.0.first_key_value().expect("its weight");
        let tensor = |named: u64, what: &str, id: Option<u64>, shape: &[usize]| {
            let bytes = Bytes::from_bytes_vec(vec![0; 4 * shape.iter().product::<usize>()]);
            Packed::new(name_of(named, what), DType::F32, shape.to_vec(), id, bytes)
        };
        let pair = |named, id, shape: &[usize]| {
            ["moment_1", "moment_2"].map(|what| tensor(named, what, id, shape))
        };
        let read = |tensors: &[Packed], timed: u64| {
            let writer = Writer::new(tensors.to_vec());
            let writer = writer.with_scalar(&name_of(timed, "time"), 1usize.into());
            Adam::from_bytes(writer.into_bytes().expect("room"), &parameters)
        };
        let whole = pair(id, Some(id), shape);
        assert!(read(&whole, id).is_ok());
        let other = id ^ 1;
        for (wrong, timed) in [
            (&pair(id, None, shape)[..], id),
            (&pair(id, Some(other), shape), id),
            (&pair(other, Some(id), shape), id),
            (&pair(id, Some(id), &[3, 2, 1]), id),
            (&[tensor(id, "moment_3", Some(id), shape)], id),
            (&whole[..1], id),
            (&whole, other),
        ] {
            assert!(read(wrong, timed).is_err());
        }
    }
}
