//! Steps in a browser's tab: the page's module goes on from a native checkpoint and gives one back.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use burn::module::Module;
use burn::store::ModuleRecord;
use burn::tensor::{Bytes, Tensor};
use model::pixels::{to_byte, to_unit};
use model::training::adam::{Adam, Parameters};
use model::training::checkpoint::{self, CheckpointSource};
use model::training::{Batch, Gan, LossValues};
use serde_json::{Value, json};
use tests::browser::{Browser, Graphics};
use tests::site::Site;

use crate::training::{BASE, RATES};

const IN_THE_PAGE: &str = include_str!("tab.js");
const LOSSES: [&str; 4] = ["G_GAN", "G_L1", "D_real", "D_fake"];

/// The page for teaching in a browser.
pub struct Tab {
    browser: Browser,
    _site: Site,
}

impl Tab {
    pub fn open() -> Self {
        let site = Site::shipped().expect("the built page");
        let mut browser = Browser::start(Graphics::None).expect("a browser");
        let page = site.url("teach.html");
        browser.go_to(&page).expect("the page");
        Self {
            browser,
            _site: site,
        }
    }

    pub fn step(&mut self, mut model: Gan, batch: &Batch, step: u64) -> (Gan, LossValues) {
        let mut files = BTreeMap::new();
        for file in checkpoint::files(&model) {
            let name = file.name.clone();
            let bytes = file.bytes().expect("its content");
            files.insert(name, STANDARD.encode(&bytes[..]));
        }
        let arguments = json!({
            "files": files,
            "step": step,
            "gan_mode": model.hyperparameters.gan_mode,
            "base": BASE,
            "learningRate": RATES.net_g,
            "input": pixels(&batch.real_a),
            "target": pixels(&batch.real_b),
        });
        let call = format!("(() => {{ {IN_THE_PAGE} return step({arguments}); }})()");
        let answer = self.browser.evaluate(&call).expect("a step");
        checkpoint::restore(&mut model, &Files(&answer["files"])).expect("the same networks");
        let value = |name| {
            let loss = answer["losses"][name].as_f64().expect("a loss");
            (name, loss as f32)
        };
        (model, LOSSES.into_iter().map(value).collect())
    }
}

/// An image as a page has it, which must hold it as it is.
fn pixels(image: &Tensor<4>) -> String {
    let [_, channels, height, width] = image.dims();
    let units: Vec<f32> = image.to_data().iter().collect();
    let bytes: Vec<u8> = units.iter().map(|unit| to_byte(*unit)).collect();
    let is_same = |(byte, unit): (&u8, &f32)| to_unit(f32::from(*byte)) == *unit;
    assert!(bytes.iter().zip(&units).all(is_same));
    let plane = height * width;
    let pixel = |at| (0..4).map(move |channel| (at, channel));
    let rgba = (0..plane).flat_map(pixel).map(|(at, channel)| {
        let is_color = channel < channels;
        if is_color {
            bytes[channel * plane + at]
        } else {
            u8::MAX
        }
    });
    STANDARD.encode(rgba.collect::<Vec<_>>())
}

/// Of a checkpoint, in base64.
struct Files<'a>(&'a Value);

impl Files<'_> {
    fn bytes(&self, file: &str) -> Result<Bytes, String> {
        let text = self.0[file].as_str();
        let text = text.ok_or_else(|| format!("{file} is missing"))?;
        let bytes = STANDARD.decode(text).map_err(|error| error.to_string())?;
        Ok(Bytes::from_bytes_vec(bytes))
    }
}

impl CheckpointSource for Files<'_> {
    type Error = String;

    fn network<M: Module>(&self, file: &str, into: M) -> Result<M, String> {
        let record = ModuleRecord::from_bytes(self.bytes(file)?);
        let record = record.map_err(|error| format!("{file}: {error}"))?;
        into.try_load_record(record)
            .map_err(|error| format!("{file}: {error}"))
    }

    fn optimizer<M: Module>(&self, file: &str, networks: &M) -> Result<Adam, String> {
        Adam::from_bytes(self.bytes(file)?, &Parameters::of(networks))
    }
}
