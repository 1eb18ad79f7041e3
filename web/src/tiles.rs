//! Pictures in tiles, for pages that spread them over several workers: where tiles lie, one tile
//! translated, and how the results become one picture. Workers and pixels of whole pictures are
//! the page's.

use js_sys::{Float32Array, Function, Promise, Uint8Array};
use model::tiling::TILE_SIDE;
use model::{Mosaic, Raster, TileOptions, TilePlan, WHOLE_PIXELS};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;

use crate::backend;
use crate::error::WebError;
use crate::session::Session;

#[wasm_bindgen]
impl Session {
    /// The parts of a picture that its tiles show, `[x, y, width, height]` in pixels of each,
    /// row by row. A picture that needs no tiles has one. `side` is that of a tile; 0 takes the
    /// one that the model does best with.
    pub fn plan(&self, width: u32, height: u32, side: u32) -> Result<Vec<u32>, WebError> {
        let plan = self.tile_plan(width, height, side)?;
        let sources = plan.tiles().map(|tile| plan.source(tile));
        let numbers = sources.flat_map(|rect| [rect.x, rect.y, rect.width, rect.height]);
        Ok(numbers.map(|number| number as u32).collect())
    }

    /// Translates tile `index` of a plan of the same numbers. `rgba` are the pixels of the part
    /// that the plan names; the answer, in the model's encoding, is for `join` alone.
    pub async fn translate_tile(
        &self,
        rgba: Vec<u8>,
        width: u32,
        height: u32,
        side: u32,
        index: u32,
    ) -> Result<Vec<f32>, WebError> {
        backend::still_there(self.backend)?;
        let plan = self.tile_plan(width, height, side)?;
        let tile = plan.tiles().nth(index as usize);
        let tile = tile.ok_or_else(|| WebError::internal("There is no such tile."))?;
        let source = plan.source(tile);
        if rgba.len() != source.width * source.height * 4 {
            return Err(WebError::internal("The pixels are not those of the tile."));
        }
        let (encoding, channels) = self.translator.input();
        let cut = encoding
            .from_rgba(&rgba, (source.width, source.height), channels)
            .map_err(model::TranslateError::from)?;
        let real_a = plan.input(tile, &cut);
        let shape = [1, channels, real_a.height(), real_a.width()];
        let answer = self
            .translator
            .forward_async(real_a.into_values(), shape)
            .await;
        backend::still_there(self.backend)?;
        Ok(answer?)
    }

    /// Joins translated tiles. `tile(index)` gives the promise of a tile's values, in order;
    /// `rows(top, count)` the RGBA pixels of rows of the picture before; `write(top, rgba)` takes
    /// rows of the picture after, from top to bottom.
    pub async fn join(
        &self,
        width: u32,
        height: u32,
        side: u32,
        tile: Function,
        rows: Function,
        write: Function,
    ) -> Result<(), JsValue> {
        let plan = self.tile_plan(width, height, side)?;
        let ((input, in_channels), (output, out_channels)) =
            (self.translator.input(), self.translator.output());
        let (tile_width, tile_height) = plan.tile_size();
        let mut mosaic = Mosaic::new(&plan, out_channels);
        for (index, place) in plan.tiles().enumerate() {
            let promise = Promise::from(tile.call1(&JsValue::NULL, &index.into())?);
            let values = Float32Array::from(JsFuture::from(promise).await?).to_vec();
            if values.len() != out_channels * tile_width * tile_height {
                return Err(WebError::internal("A tile came back incomplete.").into());
            }
            let fake_b = Raster::from_planes(tile_width, tile_height, values);
            let Some(strip) = mosaic.add(place, &fake_b) else {
                continue;
            };
            let count = strip.raster.height();
            let before = rows.call2(&JsValue::NULL, &strip.top.into(), &count.into())?;
            let before = Uint8Array::from(before).to_vec();
            let real_a = input
                .from_rgba(&before, (width as usize, count), in_channels)
                .map_err(|error| WebError::from(model::TranslateError::from(error)))?;
            let after = model::encoding::to_rgba(&output.shown(&strip.raster, &real_a), &before);
            let after = Uint8Array::from(after.as_slice());
            write.call2(&JsValue::NULL, &strip.top.into(), &after)?;
        }
        Ok(())
    }
}

impl Session {
    fn tile_plan(&self, width: u32, height: u32, side: u32) -> Result<TilePlan, WebError> {
        let size = (width as usize, height as usize);
        let is_local = self.translator.receptive_radius().is_some();
        let side = match side as usize {
            // Where every tile has the same statistics, blended ones pass for the whole.
            0 if is_local && size.0 * size.1 > WHOLE_PIXELS => Some(TILE_SIDE),
            0 => None,
            side => Some(side),
        };
        let options = TileOptions {
            side,
            overlap: None,
        };
        Ok(self.translator.plan(size, options)?)
    }
}
