//! One picture that several of the page's workers share, each with some of its rows. Which
//! workers these are, and how rows get from one to another, is the page's business.

use js_sys::{Float32Array, Function, Promise, Uint8Array};
use model::pixels::PixelsError;
use model::{Exchange, ImageStrips, TranslateError};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;

use crate::error::WebError;
use crate::session::Session;

/// What the page threw, or what it is to catch.
struct Thrown(JsValue);

impl From<JsValue> for Thrown {
    fn from(thrown: JsValue) -> Self {
        Self(thrown)
    }
}

impl From<TranslateError> for Thrown {
    fn from(error: TranslateError) -> Self {
        Self(WebError::from(error).into())
    }
}

#[wasm_bindgen]
impl Session {
    /// How many workers, at most `most`, are to share a picture that is done in one piece; 1 where
    /// it is not worth it, or not possible.
    pub fn sharers(&self, width: u32, height: u32, most: u32) -> u32 {
        let size = (width as usize, height as usize);
        self.translator.sharers(size, most as usize) as u32
    }

    /// Translates an RGBA picture that `workers` share into one of the same size. `strip(index,
    /// rgba)` gives the promise of what a worker's `translate_strip` answers.
    pub async fn run_shared(
        &self,
        rgba: Vec<u8>,
        width: u32,
        height: u32,
        workers: u32,
        strip: Function,
    ) -> Result<Vec<u8>, JsValue> {
        let strips = self.strips(width, height, workers)?;
        strips.check(&rgba).map_err(refused)?;
        let mut promises = Vec::new();
        // The last to begin is the worker that is here, which the others need not wait for.
        for worker in (0..strips.workers()).rev() {
            let part = Uint8Array::from(strips.cut(&rgba, worker).as_slice());
            let promise = strip.call2(&JsValue::NULL, &worker.into(), &part)?;
            promises.push((worker, Promise::from(promise)));
        }
        let mut result = rgba;
        for (worker, promise) in promises {
            let part = Uint8Array::from(JsFuture::from(promise).await?).to_vec();
            strips.put(&part, worker, &mut result);
        }
        Ok(result)
    }

    /// The part of a worker in `run_shared`. `exchange(rows, is_all)` gives the promise of the rows
    /// that the worker needs: those next to its own, or those of all workers.
    pub async fn translate_strip(
        &self,
        rgba: Vec<u8>,
        width: u32,
        height: u32,
        workers: u32,
        index: u32,
        exchange: Function,
    ) -> Result<Vec<u8>, JsValue> {
        let strips = self.strips(width, height, workers)?;
        let exchange = async |rows: Exchange| {
            let (is_all, expected) = (matches!(rows, Exchange::All { .. }), rows.expected());
            let (Exchange::Edges(rows) | Exchange::All { rows, .. }) = rows;
            let rows = Float32Array::from(rows.as_slice());
            let answer = exchange.call2(&JsValue::NULL, &rows, &is_all.into())?;
            let answer = JsFuture::from(Promise::from(answer)).await?;
            let answer = Float32Array::from(answer).to_vec();
            match answer.len() == expected {
                true => Ok(answer),
                false => Err(Thrown(
                    WebError::internal("The rows of the other workers are not complete.").into(),
                )),
            }
        };
        let part = strips.translate(index as usize, &rgba, exchange).await;
        part.map_err(|Thrown(error)| error)
    }
}

fn refused(error: PixelsError) -> JsValue {
    WebError::from(TranslateError::from(error)).into()
}

impl Session {
    fn strips(&self, width: u32, height: u32, workers: u32) -> Result<ImageStrips<'_>, WebError> {
        let size = (width as usize, height as usize);
        let strips = self.translator.strips(size, workers as usize);
        strips.ok_or_else(|| WebError::internal("This picture cannot be shared."))
    }
}
