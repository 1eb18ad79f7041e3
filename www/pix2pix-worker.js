// Owns the model: chooses the build, downloads, runs. One session per worker;
// the page ends the worker to stop it.

import { expectedLength, open, readChunks, readExactly, readText } from './download.js';
import { Pix2PixError } from './errors.js';
import { checkPixels, decodePicture } from './picture.js';

const MANIFEST_LIMIT = 1 << 20;
// 4096 × 4096: input and output together then take 128 MB outside the model.
const MAX_PIXELS = 4096 * 4096;

let session = null;

const handlers = { start, run, runTensor };

addEventListener('message', async ({ data: { id, kind, ...payload } }) => {
  try {
    const { transfer = [], ...answer } = await handlers[kind](payload);
    postMessage({ id, ...answer }, transfer);
  } catch (thrown) {
    const { code, message } = Pix2PixError.from(thrown);
    postMessage({ id, error: { code, message } });
  }
});

function report(phase, loaded, total) {
  postMessage({ progress: { phase, loaded, total } });
}

async function start({ manifestUrl, backend, known, modules, cache }) {
  const plan = await choose(backend);
  const sources = { modules, known, manifestUrl, cache };
  let started;
  try {
    started = await startOn(plan.build, sources);
  } catch (thrown) {
    const isGpuFailure = plan.build === 'webgpu' && backend === 'auto' && !isBlameOfTheFiles(thrown);
    if (!isGpuFailure) throw thrown;
    started = await startOn('cpu', sources);
    plan.build = 'cpu';
    plan.reason = `WebGPU did not start: ${sentence(thrown.message)}`;
  }
  session = started.session;
  return {
    backend: session.backend,
    // The session knows better why, where it chose otherwise than asked.
    backendReason: session.backend === plan.build ? plan.reason : session.backend_reason,
    adapter: session.backend === 'webgpu' ? plan.adapter : null,
    manifestJson: started.download.manifestJson,
    download: started.download,
  };
}

/** No build is downloaded before it is known to be of use. */
async function choose(backend) {
  if (backend === 'cpu') return { build: 'cpu', reason: 'The CPU was asked for.' };
  const { adapter, missing } = await findAdapter();
  if (missing && backend === 'webgpu') {
    throw new Pix2PixError('no-webgpu', `WebGPU is not available: ${missing}. Choose Auto or CPU instead.`);
  }
  if (missing) return { build: 'cpu', reason: `WebGPU is not available: ${missing}.` };
  const info = adapter.info ?? {};
  const name = info.description || [info.vendor, info.architecture].filter(Boolean).join(' ') || null;
  if (backend === 'webgpu') return { build: 'webgpu', reason: 'WebGPU was asked for.', adapter: name };
  if (info.isFallbackAdapter ?? adapter.isFallbackAdapter) {
    return { build: 'cpu', reason: 'The only WebGPU adapter here is emulated in software, which is slower than the CPU build.' };
  }
  return { build: 'webgpu', reason: 'This browser has WebGPU and a graphics adapter for it.', adapter: name };
}

async function findAdapter() {
  if (!navigator.gpu) {
    return { missing: isSecureContext ? 'this browser has no navigator.gpu' : 'browsers offer it only over HTTPS' };
  }
  try {
    const adapter = await navigator.gpu.requestAdapter();
    return adapter ? { adapter } : { missing: 'the browser offers no graphics adapter' };
  } catch (error) {
    return { missing: `asking for a graphics adapter failed (${error.message})` };
  }
}

/** `sources.known` keeps what was downloaded, for a second try on another build. */
async function startOn(build, sources) {
  const { modules, manifestUrl, cache } = sources;
  const manifestText = sources.known ? null : fetchManifest(manifestUrl, cache);
  // Its failure is reported below, after that of the runtime.
  manifestText?.catch(() => {});
  const module = modules[build] ?? await fetchModule(build, cache);
  const runtime = await importRuntime(build);
  await runtime.default({ module_or_path: module });

  if (!sources.known) {
    const manifestJson = runtime.parse_manifest(await manifestText);
    const bytes = await fetchWeights(JSON.parse(manifestJson), manifestUrl, cache);
    // A Blob lies with the browser, not in the page's memory.
    sources.known = { manifestJson, weights: new Blob([bytes]) };
  }
  const { manifestJson, weights } = sources.known;
  report('starting', weights.size, weights.size);
  const bytes = new Uint8Array(await weights.arrayBuffer());
  const session = await runtime.Session.create(manifestJson, bytes, build);
  return { session, download: { manifestUrl, manifestJson, weights, modules: { [build]: module } } };
}

async function fetchModule(build, cache) {
  const url = new URL(`./pkg/${build}/web_bg.wasm`, import.meta.url).href;
  const what = 'The runtime';
  let response = await open(url, what, cache);
  const total = expectedLength(response);
  report('runtime', 0, total);
  const counted = readChunks(response.clone(), what, (_, loaded) => report('runtime', loaded, total));
  // Some servers do not know the type, without which nothing is compiled.
  if (!response.headers.get('Content-Type')?.startsWith('application/wasm')) {
    response = new Response(response.body, { headers: { 'Content-Type': 'application/wasm' } });
  }
  const compiled = WebAssembly.compileStreaming(response).catch((cause) => {
    const message = cause instanceof WebAssembly.CompileError
      ? `${url} is not a WebAssembly module that this browser can run (${cause.message}).`
      : `The connection was lost while ${url} was loading. Check the connection and try again.`;
    throw new Pix2PixError('fetch', message, { cause });
  });
  const [module] = await Promise.all([compiled, counted]);
  return module;
}

async function importRuntime(build) {
  const url = new URL(`./pkg/${build}/web.js`, import.meta.url).href;
  try {
    return await import(url);
  } catch (cause) {
    throw new Pix2PixError('fetch', `${url} could not be loaded. Check the connection and try again.`, { cause });
  }
}

async function fetchManifest(manifestUrl, cache) {
  const what = 'The manifest';
  // Always asked anew (a 304 is cheap): it names the weights that fit it.
  const response = await open(manifestUrl, what, cache === 'default' ? 'no-cache' : cache);
  return readText(response, what, MANIFEST_LIMIT);
}

async function fetchWeights(manifest, manifestUrl, cache) {
  const [file] = manifest.weights;
  const what = 'The model';
  const path = file.path.split('/').map(encodeURIComponent).join('/');
  const response = await open(new URL(path, manifestUrl).href, what, cache);
  report('model', 0, file.bytes);
  return readExactly(response, what, file.bytes, (loaded, total) => report('model', loaded, total));
}

async function run({ rgba, width, height, bitmap, blob }) {
  if (blob) bitmap = await decodePicture(blob, { maxPixels: MAX_PIXELS, name: 'The picture' });
  if (bitmap) ({ rgba, width, height } = pixelsOf(bitmap));
  checkPixels(width, height, MAX_PIXELS);
  const buffer = bufferOf(await session.run(new Uint8Array(rgba), width, height));
  return { rgba: buffer, width, height, transfer: [buffer] };
}

async function runTensor({ values, shape: { batch, channels, height, width } }) {
  const tensor = new Float32Array(values);
  const buffer = bufferOf(await session.forward(tensor, batch, channels, height, width));
  return { values: buffer, transfer: [buffer] };
}

/** A view into the module's memory could not be handed over. */
function bufferOf(view) {
  return view.byteLength === view.buffer.byteLength ? view.buffer : view.slice().buffer;
}

function pixelsOf(bitmap) {
  const { width, height } = bitmap;
  checkPixels(width, height, MAX_PIXELS);
  // Kept off the GPU: a software canvas gives back exactly what was drawn.
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { rgba: context.getImageData(0, 0, width, height).data.buffer, width, height };
}

/** Errors that the CPU build would only meet again. */
function isBlameOfTheFiles(thrown) {
  return ['fetch', 'integrity', 'manifest', 'version', 'weights'].includes(thrown?.code);
}

function sentence(text) {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
