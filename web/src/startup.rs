//! What happens once, when the page has loaded the module.

use wasm_bindgen::prelude::wasm_bindgen;

unsafe extern "C" {
    fn __wasm_call_ctors();
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    pub fn console_error(message: &str);
}

#[wasm_bindgen(start)]
fn start() {
    // The linker would otherwise run the constructors again at every exported
    // call, and registries filled by them would grow each time.
    // SAFETY: the start function runs once, before any other export.
    unsafe { __wasm_call_ctors() };
    std::panic::set_hook(Box::new(|panic| console_error(&panic.to_string())));
}
