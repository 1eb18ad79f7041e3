// Reads a model from the visitor's disk: a folder, its files, or a .zip of it.
// The worker checks the manifest, and the weights against it.

import { Pix2PixError } from '../runtime/errors.js';
import { phrase } from '../runtime/phrase.js';
import { MAX_SAMPLE } from '../view/manifest.js';
import { oneLine } from '../view/format.js';
import { readZip } from './zip.js';

const MANIFEST = 'manifest.json';
const MAX_MANIFEST = 1 << 20;
const MAX_WEIGHTS = 1 << 30; // the worker has the same limit
const MAX_FILES = 2000;

/** The files that are a model: all if there is a manifest, or an archive. Null if there is no model. */
export async function modelAmong(files) {
  if (files.some((file) => file.name === MANIFEST)) return files;
  const archive =
    files.find((file) => file.name.endsWith('.zip')) ??
    (files.length === 1 && (await isZip(files[0])) ? files[0] : null);
  if (archive) return [archive];
  // A folder with neither: reading it says what is missing.
  return files.length > 1 && !files.some((file) => /^(image|video)\//.test(file.type)) ? files : null;
}

async function isZip(file) {
  const start = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  return start[0] === 0x50 && start[1] === 0x4b && start[2] === 3 && start[3] === 4;
}

/** The files of a drop, also those in folders, each with its `path`. Call it
    before any `await`: the browser empties the drop then. */
export async function filesOf(transfer) {
  const entries = [...(transfer?.items ?? [])].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...(transfer?.files ?? [])];
  const found = [];
  for (const entry of entries) await collect(entry, found);
  return found;
}

async function collect(entry, found) {
  if (found.length >= MAX_FILES) return;
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    file.path = entry.fullPath.slice(1);
    found.push(file);
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return;
    for (const child of some) await collect(child, found);
  }
}

/** A file of the disk like one in an archive: { path, size, read(limit) }. */
export function entryOf(file) {
  const { size } = file;
  const path = file.path || file.webkitRelativePath || file.name;
  const read = async (limit) => {
    if (size <= limit) return file;
    throw new Pix2PixError('input-size', '{path} has {size} bytes: at most {limit} are read of such a file.', {
      values: { path, size, limit },
    });
  };
  return { path, size, read };
}

/** What lies in an archive, or the files themselves. */
async function listedIn(files) {
  const isArchive = files.length === 1 && files[0].name !== MANIFEST;
  return isArchive ? readZip(files[0], files[0].name) : files.map(entryOf);
}

const isManifest = ({ path }) => path.split('/').at(-1) === MANIFEST;

/** Whether what `modelAmong` gave has a manifest: folders and archives may hold pictures instead. */
export async function hasManifest(files) {
  const listed = await listedIn(files).catch(() => []); // who reads it tells why
  return listed.some(isManifest);
}

/** An entry for the list of models; `files` is what `Pix2Pix.create` takes. */
export async function readModel(files) {
  const listed = await listedIn(files);
  const manifests = listed.filter(isManifest);
  const depth = ({ path }) => path.split('/').length;
  const [found] = manifests.sort((a, b) => depth(a) - depth(b));
  if (!found)
    throw new Pix2PixError(
      'manifest',
      'There is no manifest.json in what you dropped. Drop a model folder, or a .zip of one.',
    );
  if (found.size > MAX_MANIFEST)
    throw new Pix2PixError('manifest', '{path} is larger than a manifest may be.', { values: { path: found.path } });
  const folder = found.path.slice(0, -MANIFEST.length);
  const json = await (await found.read(MAX_MANIFEST)).text();
  const manifest = parse(json, found.path);
  const beside = new Map(listed.map((file) => [file.path, file]));
  const weights = beside.get(folder + manifest.weights?.[0]?.path);
  if (!weights) {
    throw new Pix2PixError(
      'manifest',
      'The weights that {path} names are not beside it. Drop the whole model folder, or a .zip of it.',
      { values: { path: found.path } },
    );
  }
  const { bytes } = manifest.weights[0];
  if (weights.size !== bytes || bytes > MAX_WEIGHTS) {
    throw new Pix2PixError(
      'manifest',
      '{weights} has {size} bytes, and {manifest} says {said}, of at most {most}. Export the model again.',
      { values: { weights: weights.path, size: weights.size, manifest: found.path, said: bytes, most: MAX_WEIGHTS } },
    );
  }
  return {
    files: { manifest: json, weights: await weights.read(bytes) },
    name: oneLine(manifest.name) || 'model',
    title: '',
    summary: phrase('From your disk. It stays there.'),
    manifest: Promise.resolve(manifest),
    readme: beside.get(`${folder}README.md`)?.read,
    /** The sample, or undefined if it is missing. */
    sample(path) {
      const file = beside.get(folder + path);
      return file && { name: path.split('/').at(-1), read: () => file.read(MAX_SAMPLE) };
    },
  };
}

function parse(json, path) {
  try {
    const manifest = JSON.parse(json);
    if (typeof manifest === 'object' && manifest !== null) return manifest;
  } catch {
    /* see below */
  }
  throw new Pix2PixError('manifest', '{path} is not valid JSON. Export the model again.', { values: { path } });
}
