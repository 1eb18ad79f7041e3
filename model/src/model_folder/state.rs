//! The way of a network's numbers out of burn's modules and into them.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

pub use crate::model_folder::arrays::{Array, StateDict, StateError};
use crate::model_folder::stored_weights::StoredWeights;
use crate::network::parameter::flat;

/// Reads every tensor of `module`.
pub fn state_of<M: Module>(module: &M) -> StateDict {
    let mut reader = Reader::default();
    module.valid().visit(&mut reader);
    reader.state
}

/// The shape of every tensor of `module`, without reading its values.
pub fn shapes_of<M: Module>(module: &M) -> BTreeMap<String, Vec<usize>> {
    let mut reader = ShapeReader::default();
    module.visit(&mut reader);
    reader.shapes
}

/// Replaces every tensor of `module` by the one of the same name, each expanded in its turn.
///
/// # Errors
/// Missing, unknown or misshapen tensors and values that are not finite; the module is then
/// dropped.
pub fn load_state<M: Module>(
    module: M,
    weights: impl Into<StoredWeights>,
) -> Result<M, StateError> {
    let weights = weights.into();
    let shapes = shapes_of(&module);
    weights.check_shapes(&shapes)?;
    let mut writer = Writer {
        path: TensorPath::default(),
        shapes,
        weights,
        problem: None,
    };
    let module = module.map(&mut writer);
    writer.problem.map_or(Ok(module), Err)
}

/// Where a visitor is: names from the outside in, and whether each is that of a family of
/// networks, which stands in place of the field that holds it: `unet.downs.0…`.
#[derive(Default)]
struct TensorPath(Vec<(String, bool)>);

impl TensorPath {
    fn enter(&mut self, name: &str, container: &str) {
        let part = match container.starts_with("Enum:") {
            true => (name.to_lowercase(), true),
            false => (name.to_string(), false),
        };
        self.0.push(part);
    }

    fn exit(&mut self) {
        self.0.pop();
    }

    fn name(&self) -> String {
        let is_replaced = |index: usize| self.0.get(index + 1).is_some_and(|(_, family)| *family);
        let parts = self.0.iter().enumerate();
        let shown = parts.filter(|(index, _)| !is_replaced(*index));
        let names: Vec<&str> = shown.map(|(_, (name, _))| name.as_str()).collect();
        names.join(".")
    }
}

#[derive(Default)]
struct Reader {
    path: TensorPath,
    state: StateDict,
}

impl Reader {
    fn keep(&mut self, shape: Vec<usize>, values: Tensor<1>) {
        let values = values.into_data().iter::<f32>().collect();
        self.state.insert(self.path.name(), Array { shape, values });
    }
}

impl ModuleVisitor for Reader {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        self.keep(tensor.dims().to_vec(), flat(tensor));
    }
}

#[derive(Default)]
struct ShapeReader {
    path: TensorPath,
    shapes: BTreeMap<String, Vec<usize>>,
}

impl ModuleVisitor for ShapeReader {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.shapes
            .insert(self.path.name(), param.lazy_shape().to_vec());
    }
}

struct Writer {
    path: TensorPath,
    shapes: BTreeMap<String, Vec<usize>>,
    weights: StoredWeights,
    /// The first of them; the rest of the module is left as it is.
    problem: Option<StateError>,
}

impl Writer {
    fn next(&mut self) -> Option<Array> {
        let name = self.path.name();
        let shape = self.shapes.get(&name)?;
        if self.problem.is_some() {
            return None;
        }
        let taken = self.weights.take(&name, shape);
        taken.map_err(|problem| self.problem = Some(problem)).ok()
    }
}

impl ModuleMapper for Writer {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.next() {
            Some(array) => {
                let device = param.lazy_device();
                let data = TensorData::new(array.values, array.shape);
                let id = param.id;
                param.transform_for_load(Tensor::from_data(data, &device), id)
            }
            None => param,
        }
    }
}
