//! Training in the browser: a model learns step by step from pairs of pixels, by the same steps as
//! natively. Decoding, scaling, storage and the pace are the page's.

mod checkpoint;
pub mod device;
mod pairs;
mod settings;

use std::cell::RefCell;
use std::rc::Rc;

use burn::tensor::{Device, TensorData};
use js_sys::{Array, Float32Array, Object, Promise, Reflect, Uint8Array};
use model::manifest::WeightsDtype;
use model::state::{load_state, state_of};
use model::training::communicator::{Communicator, Link, add_others};
use model::training::{A_TO_B, Gan, LossValues, ModelKind, is_cpu};
use model::weights::{packed, verify};
use model::{Engine, LoadError, Manifest, StoredWeights, Translator};
use serde_json::json;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};

use crate::error::{ErrorCode, WebError};
use pairs::Pairs;
use settings::Settings;

/// What a manifest says was at work.
const TOOL: &str = concat!("web ", env!("CARGO_PKG_VERSION"));

/// A model in training, and the pairs that it learns from.
#[wasm_bindgen]
pub struct TrainingSession {
    settings: Settings,
    device: Device,
    /// Of the model folder to be, without weights.
    manifest: Manifest,
    /// `None` once a step has failed half-way.
    gan: Option<Gan>,
    pairs: Pairs,
    /// As many as there were when the checkpoint was made that the training goes on from: which
    /// pair comes when follows from it.
    expected_pairs: Option<usize>,
    /// Among the workers that share each batch; the lead is the one of rank 0.
    rank: usize,
    /// Steps made.
    step: u64,
    /// The network as it is now, ready to translate.
    translator: RefCell<Option<Rc<Translator>>>,
}

#[wasm_bindgen]
impl TrainingSession {
    /// Fresh networks on `backend`, `cpu` or `webgpu`; `settings` are JSON, see `Settings`.
    pub async fn create(settings: String, backend: String) -> Result<TrainingSession, WebError> {
        let settings = Settings::parse(&settings)?;
        let manifest = settings.manifest();
        Self::new(settings, manifest)?.on(&backend).await
    }

    /// A model folder's generator, to be taught further; its network is that of the manifest.
    pub async fn from_model(
        settings: String,
        backend: String,
        manifest_json: String,
        mut weights: Vec<u8>,
    ) -> Result<TrainingSession, WebError> {
        let settings = Settings::parse(&settings)?;
        let mut manifest = Manifest::parse(&manifest_json)?;
        settings.check(&manifest.generator.config)?;
        verify(&mut weights, manifest.weights_file()?).map_err(LoadError::from)?;
        let weights = StoredWeights::open(weights).map_err(LoadError::from)?;
        let network = manifest.generator.config.init(&Device::flex().autodiff());
        let net_g = load_state(network, weights).map_err(LoadError::from)?;
        manifest.weights.clear();
        manifest.samples.clear();
        manifest.name.clone_from(&settings.name);
        manifest.title.clone_from(&settings.name);
        let mut session = Self::new(settings, manifest)?;
        if let Some(gan) = &mut session.gan {
            gan.start_from(vec![net_g]);
        }
        session.on(&backend).await
    }

    /// Adds a pair: RGBA pixels of two squares of the side `load_size`.
    pub fn add_pair(&mut self, real_a: Vec<u8>, real_b: Vec<u8>) -> Result<(), WebError> {
        self.pairs.add([real_a, real_b], &self.settings)
    }

    /// Side of the squares that `add_pair` takes.
    #[wasm_bindgen(getter)]
    pub fn load_size(&self) -> u32 {
        self.settings.load_size()
    }

    /// Side of the squares that a step learns from.
    #[wasm_bindgen(getter)]
    pub fn size(&self) -> u32 {
        self.settings.size
    }

    /// The manifest of the model folder to be, without weights, as JSON.
    #[wasm_bindgen(getter)]
    pub fn manifest(&self) -> Result<String, WebError> {
        self.manifest.to_json().map_err(WebError::internal)
    }

    /// Workers that share each batch.
    #[wasm_bindgen(getter)]
    pub fn workers(&self) -> usize {
        self.settings.workers
    }

    /// Steps made.
    #[wasm_bindgen(getter)]
    pub fn step_number(&self) -> f64 {
        self.step as f64
    }

    /// Steps planned: in the second half of them the learning rate falls.
    #[wasm_bindgen(getter)]
    pub fn steps(&self) -> f64 {
        self.settings.steps as f64
    }

    /// Plans another number of steps.
    pub fn plan_steps(&mut self, steps: u32) -> Result<(), WebError> {
        let settings = Settings {
            steps: u64::from(steps),
            ..self.settings.clone()
        };
        settings.check(&self.manifest.generator.config)?;
        self.settings = settings;
        Ok(())
    }

    /// Makes it one of the workers that share each batch.
    pub fn join(&mut self, rank: usize, peers: Peers) -> Result<(), WebError> {
        let gan = self.gan.as_mut().ok_or_else(broken)?;
        let (communicator, link) = Communicator::linked(rank, self.settings.workers);
        gan.communicator = communicator;
        self.rank = rank;
        spawn_local(carry(link, rank, peers));
        Ok(())
    }

    /// Makes a step and returns its losses as JSON, under the field's names. Nothing else may be asked
    /// until then.
    pub async fn step(&mut self) -> Result<String, WebError> {
        self.check_pairs()?;
        let device = self.device.clone().autodiff();
        let batch = self.pairs.batch(
            (self.step, self.rank),
            &self.settings,
            &self.manifest,
            &device,
        )?;
        let gan = self.gan.take().ok_or_else(broken)?;
        self.translator.take();
        let (gan, losses) = gan
            .step_async(&batch, self.step, self.settings.rates(self.step))
            .await;
        let losses = losses.read_async().await.map_err(device::failed)?;
        self.gan = Some(gan);
        self.step += 1;
        self.check_losses(&losses)?;
        serde_json::to_string(&losses).map_err(WebError::internal)
    }

    /// Translates an RGBA picture of any size with the network as it is now.
    pub async fn translate(
        &self,
        rgba: Vec<u8>,
        width: u32,
        height: u32,
    ) -> Result<Vec<u8>, WebError> {
        let translator = self.translator()?;
        let size = (width as usize, height as usize);
        Ok(translator.translate_async(&rgba, size, &|_, _| ()).await?)
    }

    /// What netD, as it is now, says of `image` as a translation of `input`, both RGBA squares of the side
    /// `size`: `{ values, width, height }`, a logit of each patch, row by row. Above 0 it takes the patch for
    /// real.
    pub async fn logits(&self, input: Vec<u8>, image: Vec<u8>) -> Result<Object, WebError> {
        let gan = self.gan.as_ref().ok_or_else(broken)?;
        let pair = [[input, image]];
        let size = self.settings.size as usize;
        let [input, image] = pairs::tensors(&pair, size, &self.manifest, &self.device)?;
        let logits = gan.logits(A_TO_B, &input, &image);
        let [_, _, height, width] = logits.dims();
        let values = logits.into_data_async().await.map_err(device::failed)?;
        let values = values.as_slice::<f32>().map_err(WebError::internal)?;
        let answer = Object::new();
        set(&answer, "values", &Float32Array::from(values));
        set(&answer, "width", &width.into());
        set(&answer, "height", &height.into());
        Ok(answer)
    }

    /// The model folder of the network as it is now: `{ manifest, path, weights }`.
    pub async fn export(&self) -> Result<Object, WebError> {
        let fetched = self.fetched().await?;
        let gan = fetched.as_ref().or(self.gan.as_ref()).ok_or_else(broken)?;
        let generator = gan.generator(A_TO_B).ok_or_else(broken)?;
        let packed = packed(&state_of(&generator), WeightsDtype::F16);
        let (file, weights) = packed.map_err(LoadError::from)?;
        let path = file.path.clone();
        let mut manifest = self.manifest.clone();
        manifest.weights = vec![file];
        manifest.training = json!({
            "dataset": format!("{} pairs, taught in a browser", self.pairs.len()),
            "model": ModelKind::Pix2Pix,
            "steps": self.step,
            "batch": self.settings.batch,
            "size": self.settings.size,
            "gan_mode": self.settings.gan_mode,
            "lambda_l1": self.settings.lambda_l1,
            "lambda_gan": self.settings.lambda_gan,
            "ema": self.settings.ema,
            "lr": self.settings.lr,
            "seed": self.settings.seed,
            "tool": TOOL,
        });
        let json = manifest.to_json().map_err(WebError::internal)?;
        // A manifest that could not be read again is not given away.
        Manifest::parse(&json)?;
        let exported = Object::new();
        set(&exported, "manifest", &json.into());
        set(&exported, "path", &path.into());
        set(&exported, "weights", &Uint8Array::from(weights.as_slice()));
        Ok(exported)
    }
}

impl TrainingSession {
    fn new(settings: Settings, mut manifest: Manifest) -> Result<Self, WebError> {
        settings.check(&manifest.generator.config)?;
        manifest.input.mode = settings.mode.unwrap_or(manifest.input.mode);
        let gan = Gan::fresh(
            ModelKind::Pix2Pix,
            std::slice::from_ref(&manifest.generator.config),
            &[settings.discriminator(&manifest)],
            settings.init(),
            settings.hyperparameters(),
            &Device::flex(),
        );
        Ok(Self {
            settings,
            device: Device::flex(),
            manifest,
            gan: Some(gan),
            pairs: Pairs::default(),
            expected_pairs: None,
            rank: 0,
            step: 0,
            translator: RefCell::default(),
        })
    }

    /// Fresh and restored networks are made on the CPU, with the same numbers for every device.
    async fn on(mut self, backend: &str) -> Result<Self, WebError> {
        self.device = device::open(backend).await?;
        if backend != "cpu" && self.settings.workers > 1 {
            return Err(WebError::new(
                ErrorCode::Settings,
                "Only workers on the CPU can share a batch: set \"workers\" to 1, or the \
                 backend to the CPU.",
            ));
        }
        if !is_cpu(&self.device) {
            self.gan = self.gan.map(|gan| gan.on_device(&self.device));
        }
        Ok(self)
    }

    /// A copy on the CPU of what is on another device.
    async fn fetched(&self) -> Result<Option<Gan>, WebError> {
        match &self.gan {
            Some(gan) if !is_cpu(&self.device) => {
                Ok(Some(gan.on_cpu().await.map_err(device::failed)?))
            }
            _ => Ok(None),
        }
    }

    fn check_pairs(&self) -> Result<(), WebError> {
        let found = self.pairs.len();
        match self.expected_pairs {
            Some(expected) if expected != found => Err(WebError::new(
                ErrorCode::Pairs,
                format!(
                    "There are {found} pairs, and {expected} when the checkpoint was made: bring \
                     back the same ones."
                ),
            )),
            _ => Ok(()),
        }
    }

    fn check_losses(&self, losses: &LossValues) -> Result<(), WebError> {
        match losses.is_finite() {
            true => Ok(()),
            false => Err(WebError::new(
                ErrorCode::Diverged,
                format!(
                    "The losses are no numbers any more at step {} ({losses}). Start again with \
                     another seed or a lower learning rate.",
                    self.step
                ),
            )),
        }
    }

    fn translator(&self) -> Result<Rc<Translator>, WebError> {
        let mut kept = self.translator.borrow_mut();
        if let Some(translator) = &*kept {
            return Ok(Rc::clone(translator));
        }
        let gan = self.gan.as_ref().ok_or_else(broken)?;
        let generator = gan.generator(A_TO_B).ok_or_else(broken)?;
        let translator = match is_cpu(&self.device) {
            true => Translator::new(&self.manifest, state_of(&generator), &Engine::Cpu)?,
            false => Translator::of_network(&self.manifest, generator, &self.device),
        };
        let translator = Rc::new(translator);
        *kept = Some(Rc::clone(&translator));
        Ok(translator)
    }
}

#[wasm_bindgen]
extern "C" {
    /// The other workers, as the page's scripts have them.
    pub type Peers;

    /// Gives all of them `mine`; promises an array of what each gave, in the order of ranks.
    #[wasm_bindgen(method, catch)]
    fn exchange(this: &Peers, mine: &[f32]) -> Result<Promise, JsValue>;
}

/// Carries gradients between a worker's model and the others, for as long as all are there.
async fn carry(mut link: Link, rank: usize, peers: Peers) {
    while let Ok(mine) = link.outgoing.recv().await {
        let Ok(sum) = summed(&peers, rank, mine).await else {
            return;
        };
        if link.incoming.unbounded_send(sum).is_err() {
            return;
        }
    }
}

/// The sum over all workers in the order of their ranks, so that each of them gets the same bits.
async fn summed(peers: &Peers, rank: usize, mine: TensorData) -> Result<TensorData, JsValue> {
    let shape = mine.shape().clone();
    let mut values = mine
        .try_into_vec::<f32>()
        .map_err(|error| format!("{error:?}"))?;
    let theirs = Array::from(&JsFuture::from(peers.exchange(&values)?).await?);
    let theirs: Vec<Float32Array> = theirs.iter().map(JsCast::unchecked_into).collect();
    add_others(&mut values, rank, theirs.len(), &|other, start, part| {
        let end = start + part.len();
        let part_of = theirs[other].subarray(start as u32, end as u32);
        part_of.copy_to(part);
    });
    Ok(TensorData::new(values, shape))
}

fn broken() -> WebError {
    WebError::internal("A step failed half-way. Go on from the last checkpoint.")
}

/// Setting a property on a fresh object only fails if it is frozen.
fn set(object: &Object, name: &str, value: &JsValue) {
    let _ = Reflect::set(object, &name.into(), value);
}
