//! All that a training needs to go on with the same numbers, but for its pairs: the files of a
//! native checkpoint by their names, and one that says where the training stands.

use burn::module::Module;
use burn::store::ModuleRecord;
use burn::tensor::Bytes;
use js_sys::{Map, Uint8Array};
use model::Manifest;
use model::training::adam::{Adam, Parameters};
use model::training::checkpoint::{self, CheckpointSource};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

use super::TrainingSession;
use super::settings::Settings;
use crate::error::{ErrorCode, WebError};

const STATE_FILE: &str = "training.json";

#[derive(Serialize, Deserialize)]
struct State {
    settings: Settings,
    /// Without weights.
    manifest: Manifest,
    step: u64,
    pairs: usize,
}

#[wasm_bindgen]
impl TrainingSession {
    /// The files of a checkpoint by their names: bytes, and one text.
    pub async fn checkpoint(&self) -> Result<Map, WebError> {
        let fetched = self.fetched().await?;
        let gan = fetched.as_ref().or(self.gan.as_ref());
        let gan = gan.ok_or_else(super::broken)?;
        let state = State {
            settings: self.settings.clone(),
            manifest: self.manifest.clone(),
            step: self.step,
            pairs: self.pairs.len(),
        };
        let state = serde_json::to_string(&state).map_err(WebError::internal)?;
        let map = Map::new();
        map.set(&STATE_FILE.into(), &state.into());
        for file in checkpoint::files(gan) {
            let name = JsValue::from(file.name.as_str());
            let bytes = file.bytes().map_err(WebError::internal)?;
            map.set(&name, &Uint8Array::from(&*bytes));
        }
        Ok(map)
    }

    /// Goes on from a checkpoint; the same pairs are to be added again, in the same order.
    pub async fn restore(files: Map, backend: String) -> Result<TrainingSession, WebError> {
        let state = files.get(&STATE_FILE.into()).as_string();
        let state = state.ok_or_else(|| damaged(STATE_FILE, "it is missing"))?;
        let state: State =
            serde_json::from_str(&state).map_err(|error| damaged(STATE_FILE, error))?;
        let mut session = Self::new(state.settings, state.manifest)?;
        if let Some(gan) = &mut session.gan {
            checkpoint::restore(gan, &Files(&files))?;
        }
        session.step = state.step;
        session.expected_pairs = Some(state.pairs);
        session.on(&backend).await
    }
}

struct Files<'a>(&'a Map);

impl Files<'_> {
    fn bytes(&self, file: &str) -> Result<Bytes, WebError> {
        let found = self.0.get(&file.into()).dyn_into::<Uint8Array>();
        let found = found.map_err(|_| damaged(file, "it is missing"))?;
        Ok(Bytes::from_bytes_vec(found.to_vec()))
    }
}

impl CheckpointSource for Files<'_> {
    type Error = WebError;

    fn network<M: Module>(&self, file: &str, into: M) -> Result<M, WebError> {
        let record =
            ModuleRecord::from_bytes(self.bytes(file)?).map_err(|error| damaged(file, error))?;
        into.try_load_record(record)
            .map_err(|error| damaged(file, error))
    }

    fn optimizer<M: Module>(&self, file: &str, networks: &M) -> Result<Adam, WebError> {
        Adam::from_bytes(self.bytes(file)?, &Parameters::of(networks))
            .map_err(|error| damaged(file, error))
    }
}

fn damaged(file: &str, why: impl std::fmt::Display) -> WebError {
    WebError::new(
        ErrorCode::Checkpoint,
        format!("The checkpoint cannot be used: {file}: {why}. Start again."),
    )
}
