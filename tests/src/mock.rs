//! A page whose model is played: its runtime inverts pictures, and fails or dawdles as told.
//!
//! For tests of the page itself, which need no network and no WebAssembly.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use crate::site::Site;

/// The name under which the page finds it.
pub const MODEL: &str = "played";

/// SHA-256 of as many zeros as there are weights.
const SHA256: &str = "374708fff7719dd5979ec875d56cd2286f6d3cf7ec317a3b25632aab28ec37bb";
const WEIGHTS: usize = 16;
/// The same for a model whose download takes more than one packet.
const HEAVY_SHA256: &str = "bb9f8df61474d25e71fa00722318cd387396ca1736605e1248821cc0de3d3af8";
const HEAVY_WEIGHTS: usize = 4 << 20;
/// The smallest module that a browser compiles.
const EMPTY_MODULE: [u8; 8] = *b"\0asm\x01\0\0\0";
const RUNTIME: &str = include_str!("mock_runtime.js");

/// A model that is played.
#[derive(Clone, Debug)]
pub struct Mock {
    manifest: Value,
    weights: Vec<u8>,
}

impl Mock {
    /// Takes photos.
    pub fn photo() -> Self {
        let manifest = json!({
            "format": "pix2pix", "version": 1, "name": MODEL, "title": "Played", "task": "invert",
            "generator": { "arch": "unet_128", "in_channels": 3, "out_channels": 3, "base": 4,
                "norm": "batch", "norm_stats": "running", "dropout": "off" },
            "input": { "multiple_of": 128, "mode": "photo", "range": [-1, 1] },
            "weights": [{ "path": "weights.bin", "dtype": "f32", "bytes": WEIGHTS,
                "sha256": SHA256 }],
            "training": { "size": 128, "play": {} },
            "license": "MIT", "samples": []
        });
        Self {
            manifest,
            weights: vec![0; WEIGHTS],
        }
    }

    /// Takes label maps of three labels.
    pub fn labels() -> Self {
        let mut mock = Self::photo();
        mock.manifest["input"]["mode"] = json!("draw");
        mock.manifest["input"]["palette"] = json!([
            { "name": "ground", "color": [0, 0, 170] },
            { "name": "wall", "color": [10, 200, 30] },
            { "name": "window", "color": [250, 120, 5] },
        ]);
        mock
    }

    /// Takes line drawings.
    pub fn lines() -> Self {
        let mut mock = Self::photo();
        mock.manifest["input"]["mode"] = json!("draw");
        mock
    }

    /// Takes photos, and is a download of some megabytes.
    pub fn heavy() -> Self {
        let mut mock = Self::photo();
        mock.weights = vec![0; HEAVY_WEIGHTS];
        mock.manifest["weights"][0]["bytes"] = json!(HEAVY_WEIGHTS);
        mock.manifest["weights"][0]["sha256"] = json!(HEAVY_SHA256);
        mock
    }

    /// Sets how it is played, such as `delay`: see `mock_runtime.js`.
    pub fn play(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.manifest["training"]["play"][name] = value.into();
        self
    }

    /// Sets a field of the manifest.
    pub fn with(mut self, pointer: &str, value: Value) -> Self {
        if let Some(field) = self.manifest.pointer_mut(pointer) {
            *field = value;
        }
        self
    }

    /// The model's manifest.
    pub fn manifest(&self) -> String {
        self.manifest.to_string()
    }

    /// Its files, for a model from disk.
    pub fn files(&self) -> Vec<(&'static str, Vec<u8>)> {
        let manifest = self.manifest().into_bytes();
        vec![
            ("manifest.json", manifest),
            ("weights.bin", self.weights.clone()),
        ]
    }

    /// The built page with this model alone.
    pub fn site(&self) -> Result<Site> {
        Site::start("/", &[(MODEL, Path::new("/nonexistent"))])?.with_files(&self.routes(MODEL))
    }

    /// The built page with this model and others.
    pub fn site_beside(&self, others: &[(&str, &Mock)]) -> Result<Site> {
        let nowhere = Path::new("/nonexistent");
        let mut models = vec![(MODEL, nowhere)];
        models.extend(others.iter().map(|(name, _)| (*name, nowhere)));
        let mut files = self.routes(MODEL);
        for (name, mock) in others {
            files.extend(mock.routes(name));
        }
        Site::start("/", &models)?.with_files(&files)
    }

    fn routes(&self, name: &str) -> Vec<(String, Vec<u8>)> {
        let inside = |file: &str| format!("models/{name}/{file}");
        let mut files: Vec<_> = self
            .files()
            .into_iter()
            .map(|(file, bytes)| (inside(file), bytes))
            .collect();
        for build in ["cpu", "cpu-relaxed", "webgpu"] {
            files.push((format!("pkg/{build}/web.js"), RUNTIME.as_bytes().to_vec()));
            let module = format!("pkg/{build}/web_bg.wasm");
            files.push((module, EMPTY_MODULE.to_vec()));
        }
        files
    }
}
