// The worker that owns the model: chooses the build, downloads, runs. The page
// ends the worker to stop it.

import { findAdapter } from './adapter.js';
import { expectedLength, open, readBlob, readChunks } from './download.js';
import { Pix2PixError } from './errors.js';
import { ALONE, Helpers } from './helpers.js';
import { checkPixels, decodeImage, MAX_PIXELS, softwareContext } from './image.js';
import { phrase } from './phrase.js';
import { answer } from './rpc.js';
import { runtimeFiles } from './wasm-files.js';
import { workersFor } from './tile-pool.js';
import { readChoices, storeChoices } from './kernel-store.js';
import { loadWeights } from './weights-store.js';

const MANIFEST_LIMIT = 1 << 20;
/** The builds that have burn, by the backend. */
const BURN = { cpu: 'training', webgpu: 'training-webgpu' };
// Above this size a trap of the module most likely means that memory ran out.
const MUCH_MEMORY = 2 ** 31;

/** @type {any} */
let session = null;
/** @type {any} */
let exports = null; // of the module: its memory tells how full it is
/** @type {{ key: any, text: string }} */
let choices = { key: null, text: '' }; // of kernels, as the browser keeps them
/** @type {any} */
let takeRows = null; // where this one shares: what waits for the others' rows

const helpers = new Helpers((message, transfer) => postMessage(message, transfer));

const handlers = { start, run, runTensor, tile, strip, rows, serve, ready, goOnAlone };

const errorOf = (thrown) => outOfMemory(thrown) || Pix2PixError.from(thrown);

addEventListener('message', ({ data }) => answer(data, handlers, self, errorOf));

function report(phase, loaded, total) {
  postMessage({ progress: { phase, loaded, total } });
}

async function start({ manifestUrl, local, backend, engine, tune, known, modules, cache }) {
  const plan = await choose(backend);
  const tuning = tune ?? (plan.isSoftware ? 'software' : 'on');
  const sources = { modules, known, local, manifestUrl, cache, engine, tuning, adapter: plan.adapter };
  let started;
  try {
    started = await startOn(plan.build, sources);
  } catch (thrown) {
    const isGpuFailure = plan.build === 'webgpu' && backend === 'auto' && !isBlameOfTheFiles(thrown);
    if (!isGpuFailure) throw thrown;
    started = await startOn('cpu', sources);
    plan.build = 'cpu';
    plan.reason = phrase('WebGPU did not start: {why}');
    plan.values = { why: sentence(thrown.message) };
  }
  session = started.session;
  helpers.begin = { ...started.download, known: started.download, engine, backend: 'cpu' };
  return {
    backend: session.backend,
    reason: { template: plan.reason, values: plan.values ?? {} },
    adapter: session.backend === 'webgpu' ? plan.adapter : null,
    isSoftware: session.backend === 'webgpu' && plan.isSoftware === true,
    manifestJson: started.download.manifestJson,
    download: started.download,
  };
}

/** Chooses the build before any is downloaded; why is a text with values.
    @returns {Promise<{ build: string, reason: string, values?: object, adapter?: string | null, isSoftware?: boolean }>} */
async function choose(backend) {
  if (backend === 'cpu') return { build: 'cpu', reason: phrase('The CPU was asked for.') };
  const { name, isSoftware, missing } = await findAdapter();
  if (missing && backend === 'webgpu') {
    throw new Pix2PixError('no-webgpu', 'WebGPU is not available: {missing}. Choose Auto or CPU instead.', {
      values: { missing },
    });
  }
  if (missing) return { build: 'cpu', reason: phrase('WebGPU is not available: {missing}.'), values: { missing } };
  if (backend === 'webgpu') {
    const reason = isSoftware
      ? phrase('WebGPU was asked for. Warning: this adapter is emulated in software, which is slower than the CPU.')
      : phrase('WebGPU was asked for.');
    return { build: 'webgpu', reason, adapter: name, isSoftware };
  }
  if (isSoftware) {
    return {
      build: 'cpu',
      reason: phrase('The only WebGPU adapter here is emulated in software, which is slower than the CPU build.'),
    };
  }
  const reason = phrase('This browser has WebGPU and a graphics adapter for it.');
  return { build: 'webgpu', reason, adapter: name };
}

/** `sources.known` keeps the downloads for a second try with another build. */
async function startOn(backend, sources) {
  const build = sources.engine === 'burn' ? BURN[backend] : backend;
  const { modules, manifestUrl, local, cache } = sources;
  const manifestText = sources.known
    ? null
    : local
      ? Promise.resolve(local.manifest)
      : fetchManifest(manifestUrl, cache);
  // A failure is reported below, after one of the runtime.
  manifestText?.catch(() => {});
  const module = modules[build] ?? (await fetchModule(build, cache));
  const runtime = await importRuntime(build);
  exports = await runtime.default({ module_or_path: module });

  if (!sources.known) {
    const manifestJson = runtime.parse_manifest(await manifestText);
    const { weights, keep } = local ?? (await fetchWeights(JSON.parse(manifestJson), manifestUrl, cache));
    sources.known = { manifestJson, weights };
    sources.keep = keep;
  }
  const { manifestJson, weights } = sources.known;
  report('starting', weights.size, weights.size);
  const [{ sha256 }] = JSON.parse(manifestJson).weights;
  const measured = build === 'webgpu' && sources.tuning === 'on' ? { adapter: sources.adapter, sha256 } : null;
  choices = { key: measured, text: await readChoices(measured) };
  const session = await runtime.Session.create(manifestJson, weights, backend, sources.tuning, choices.text);
  sources.keep?.(); // in the background
  return { session, download: { manifestUrl, manifestJson, weights, modules: { [build]: module } } };
}

async function fetchModule(build, cache) {
  const url = runtimeFiles(build).wasm;
  const what = phrase('The runtime');
  let response = await open(url, what, cache);
  const total = expectedLength(response);
  report('runtime', 0, total);
  const counted = readChunks(response.clone(), (_, loaded) => report('runtime', loaded, total));
  // Some servers send no type, and then browsers compile nothing.
  if (!response.headers.get('Content-Type')?.startsWith('application/wasm')) {
    response = new Response(response.body, { headers: { 'Content-Type': 'application/wasm' } });
  }
  const compiled = WebAssembly.compileStreaming(response).catch((cause) => {
    const message =
      cause instanceof WebAssembly.CompileError
        ? phrase('{url} is not a WebAssembly module that this browser can run ({why}).')
        : phrase('The connection was lost while {url} was loading. Check the connection and try again.');
    throw new Pix2PixError('fetch', message, { values: { url, why: cause.message }, cause });
  });
  const [module] = await Promise.all([compiled, counted]);
  return module;
}

async function importRuntime(build) {
  const url = runtimeFiles(build).script;
  try {
    return await import(url);
  } catch (cause) {
    throw new Pix2PixError('fetch', '{url} could not be loaded. Check the connection and try again.', {
      values: { url },
      cause,
    });
  }
}

async function fetchManifest(manifestUrl, cache) {
  const what = phrase('The manifest');
  // Always revalidated (a 304 is cheap): it names the weights that fit it.
  const response = await open(manifestUrl, what, cache === 'default' ? 'no-cache' : cache);
  return (await readBlob(response, what, MANIFEST_LIMIT)).text();
}

function fetchWeights(manifest, manifestUrl, cache) {
  const [file] = manifest.weights;
  const path = file.path.split('/').map(encodeURIComponent).join('/');
  return loadWeights(new URL(path, manifestUrl).href, file, {
    isFresh: cache === 'reload',
    onProgress: (loaded, total) => report('model', loaded, total),
  });
}

async function run({ rgba, width, height, bitmap, blob, side = 0, workers, showsRows }) {
  if (blob) bitmap = await decodeImage(blob, { maxPixels: MAX_PIXELS, name: phrase('The picture') });
  if (bitmap) ({ rgba, width, height } = pixelsOf(bitmap));
  checkPixels(width, height, MAX_PIXELS);
  const before = new Uint8Array(rgba);
  const plan = session.plan(width, height, side);
  const buffer =
    plan.length > 4
      ? await runTiles(before, width, height, side, plan, workers, showsRows)
      : await runWhole(before, width, height, workers);
  helpers.rest();
  return { rgba: buffer, width, height, kernels: kernelsInUse(), transfer: [buffer] };
}

/** What a graphics device runs, { layer, kernel } each; keeps what has been measured. */
function kernelsInUse() {
  const text = choices.key ? session.choices : choices.text;
  if (text !== choices.text) {
    choices.text = text;
    storeChoices(choices.key, text); // in the background
  }
  const lines = session.kernels ? session.kernels.split('\n') : [];
  return lines.map((line) => {
    const [layer, kernel] = line.split(' ');
    return { layer, kernel };
  });
}

/** `plan`: [x, y, width, height] of each tile. `showsRows`: the page gets rows as soon as they are done. */
async function runTiles(before, width, height, side, plan, workers, showsRows) {
  const count = plan.length / 4;
  const after = new Uint8Array(before.length);
  const onDone = (done) => report('tiles', done, count);
  const cut = (index) => {
    const rgba = cutOut(before, width, plan.subarray(4 * index, 4 * index + 4)).buffer;
    return { payload: { rgba, width, height, side, index }, transfer: [rgba] };
  };
  onDone(0);
  const pool = session.backend === 'cpu' ? helpers.poolOf(workersFor(count, workers)) : null;
  let done = 0;
  const alone = async (index) => {
    const { values } = await tile(cut(index).payload);
    onDone(++done);
    return values;
  };
  try {
    await session.join(
      width,
      height,
      side,
      pool ? pool.run(count, cut, onDone) : alone,
      (top, rows) => before.subarray(top * width * 4, (top + rows) * width * 4),
      (top, rows) => {
        after.set(rows, top * width * 4);
        if (!showsRows) return;
        const rgba = new Uint8ClampedArray(rows);
        postMessage({ finished: { rgba, width, top } }, [rgba.buffer]);
      },
    );
  } catch (error) {
    if (error !== ALONE) throw error;
    return runTiles(before, width, height, side, plan, workers, showsRows);
  } finally {
    helpers.endPool();
  }
  return after.buffer;
}

/** Translates the image in one piece; several workers share its rows where that is faster. */
async function runWhole(before, width, height, workers) {
  // Burn's module is for one worker.
  const sharers = session.sharers ? session.sharers(width, height, workersFor(Infinity, workers)) : 1;
  const team = helpers.teamOf(sharers, width * height);
  const begun = performance.now();
  try {
    const after = team ? await runShared(team, before, width, height) : await runAlone(before, width, height);
    helpers.note(width * height, team !== null, performance.now() - begun);
    return bufferOf(after);
  } catch (error) {
    helpers.stop();
    if (error !== ALONE) throw error;
    return bufferOf(await runAlone(before, width, height));
  }
}

function runAlone(before, width, height) {
  return session.run(before, width, height, (done, total) => report('tiles', done, total));
}

/** Gives the same result as one worker. */
function runShared(team, before, width, height) {
  const shape = { width, height, workers: team.size };
  return session.run_shared(before, width, height, team.size, (index, rgba) => {
    const part =
      index > 0
        ? team.strip(index, { ...shape, index, rgba }, [rgba.buffer])
        : translateStrip({ ...shape, index, rgba }, (rows, isAll) => team.exchange(0, rows, isAll));
    part.catch(() => {}); // the first failure is reported
    return part;
  });
}

function goOnAlone() {
  helpers.goOnAlone();
  return {};
}

/** Translates a strip of rows for the leading worker. */
async function strip(payload, leader) {
  const rgba = await translateStrip(
    payload,
    (rows, isAll) =>
      new Promise((resolve) => {
        takeRows = resolve;
        leader.postMessage({ exchange: { rows, isAll } }, [rows.buffer]);
      }),
  );
  return { rgba, transfer: [rgba.buffer] };
}

function rows({ rows }) {
  takeRows(rows);
  return {};
}

function translateStrip({ rgba, width, height, workers, index }, exchange) {
  return session.translate_strip(rgba, width, height, workers, index, exchange);
}

/** Translates parts of images for the worker behind `port`, until the page ends this one.
    @param {any} payload */
async function serve({ port, ...begin }) {
  await start(begin);
  port.onmessage = ({ data }) => answer(data, handlers, port, errorOf);
  return new Promise(() => {});
}

/** Answers once `serve` has started. */
function ready() {
  return {};
}

/** Translates a tile for the worker that joins them. */
async function tile({ rgba, width, height, side, index }) {
  const values = await session.translate_tile(new Uint8Array(rgba), width, height, side, index);
  return { values, transfer: [values.buffer] };
}

function cutOut(rgba, stride, [x, y, width, height]) {
  const part = new Uint8Array(width * height * 4);
  for (let row = 0; row < height; row++) {
    const start = ((y + row) * stride + x) * 4;
    part.set(rgba.subarray(start, start + width * 4), row * width * 4);
  }
  return part;
}

/** A module traps in the same way when memory runs out and on a fault; its size tells which. */
function outOfMemory(thrown) {
  const isTrap = thrown instanceof WebAssembly.RuntimeError && exports?.memory?.buffer.byteLength > MUCH_MEMORY;
  return (
    isTrap && { code: 'out-of-memory', message: phrase('The picture needs more memory than the browser gives a page.') }
  );
}

async function runTensor({ values, shape: { batch, channels, height, width } }) {
  const tensor = new Float32Array(values);
  const buffer = bufferOf(await session.forward(tensor, batch, channels, height, width));
  return { values: buffer, kernels: kernelsInUse(), transfer: [buffer] };
}

/** A buffer to transfer: views into the module's memory are copied. */
function bufferOf(view) {
  return view.byteLength === view.buffer.byteLength ? view.buffer : view.slice().buffer;
}

function pixelsOf(bitmap) {
  const { width, height } = bitmap;
  checkPixels(width, height, MAX_PIXELS);
  const context = softwareContext(new OffscreenCanvas(width, height));
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { rgba: context.getImageData(0, 0, width, height).data.buffer, width, height };
}

/** Errors that the CPU build would meet again. */
function isBlameOfTheFiles(thrown) {
  return ['fetch', 'integrity', 'manifest', 'version', 'weights'].includes(thrown?.code);
}

function sentence(text) {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
