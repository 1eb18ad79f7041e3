// Chooses among the compiled modules.

// A module with one relaxed SIMD instruction: browsers that validate it have them all.
const RELAXED = new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7b, 3, 2, 1, 0, 10, 19, 1, 17, 0, 0x41, 0, 0xfd, 15, 0x41, 0,
  0xfd, 15, 0x41, 0, 0xfd, 15, 0xfd, 0x85, 2, 11,
]);

/** The script and the WebAssembly of the build for 'cpu' or 'webgpu'. */
export function runtimeFiles(build) {
  const folder = build === 'cpu' && WebAssembly.validate(RELAXED) ? 'cpu-relaxed' : build;
  const url = (file) => new URL(`../pkg/${folder}/${file}`, import.meta.url).href;
  return { script: url('web.js'), wasm: url('web_bg.wasm') };
}
