//! A weights file that lies with the browser: checked as a whole, then read tensor by tensor, so
//! that the module's memory never holds all of it.

use js_sys::Uint8Array;
use model::weights::Verifier;
use model::{LoadError, Manifest, StoredWeights, WeightsSource};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, FileReaderSync};

use crate::error::{ErrorCode, WebError};

/// Bytes that are checked at a time.
const PART: usize = 4 << 20;

/// Checks the file against its manifest and opens it.
pub async fn open(blob: Blob, manifest: &Manifest) -> Result<StoredWeights, WebError> {
    let file = manifest.weights_file()?;
    let blob = BlobSource::new(blob).map_err(unreadable)?;
    let size = blob.size();
    let mut verifier = Verifier::new(file, size).map_err(LoadError::from)?;
    let read = |start: u64| {
        let part = blob.part(start, size.min(start + PART as u64))?;
        Ok(JsFuture::from(part.array_buffer()))
    };
    let mut starts = (0..size).step_by(PART);
    let mut coming = starts.next().map(read);
    let mut bytes = Vec::new();
    while let Some(part) = coming {
        // It comes while this one is checked.
        coming = starts.next().map(read);
        let part = part.map_err(unreadable)?.await.map_err(unreadable)?;
        let part = Uint8Array::new(&part);
        bytes.resize(part.length() as usize, 0);
        part.copy_to(&mut bytes);
        verifier.update(&bytes);
    }
    verifier.finish().map_err(LoadError::from)?;
    let weights = StoredWeights::open(blob).map_err(LoadError::from)?;
    Ok(weights)
}

fn unreadable(error: JsValue) -> WebError {
    WebError::new(
        ErrorCode::Weights,
        format!("The weights cannot be read any more ({error:?}). Load the model again."),
    )
}

/// Read without waiting, which browsers allow in workers.
struct BlobSource {
    blob: Blob,
    reader: FileReaderSync,
}

impl BlobSource {
    fn new(blob: Blob) -> Result<Self, JsValue> {
        let reader = FileReaderSync::new()?;
        Ok(Self { blob, reader })
    }

    fn part(&self, start: u64, end: u64) -> Result<Blob, JsValue> {
        self.blob.slice_with_f64_and_f64(start as f64, end as f64)
    }
}

impl WeightsSource for BlobSource {
    fn size(&self) -> u64 {
        self.blob.size() as u64
    }

    fn read_at(&mut self, start: u64, bytes: &mut [u8]) -> Result<(), String> {
        let part = self.part(start, start + bytes.len() as u64);
        let part = part.and_then(|part| self.reader.read_as_array_buffer(&part));
        let part = part.map_err(|error| format!("{error:?}"))?;
        let part = Uint8Array::new(&part);
        if part.length() as usize != bytes.len() {
            return Err("the file ends before".to_owned());
        }
        part.copy_to(bytes);
        Ok(())
    }
}
