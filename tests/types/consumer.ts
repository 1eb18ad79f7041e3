// A program of somebody else's that uses all that the package documents. It is only type-checked.

import { Pix2Pix, Pix2PixError } from 'pix2pix-in-the-browser';
import type {
  Backend,
  CreateOptions,
  LocalModel,
  Manifest,
  Pix2PixErrorCode,
  Progress,
  TensorShape,
} from 'pix2pix-in-the-browser';
import { Training } from 'pix2pix-in-the-browser/training';
import type {
  TrainingCheckpoint,
  TrainingLosses,
  TrainingOptions,
  TrainingPair,
} from 'pix2pix-in-the-browser/training';
import { Pix2PixWidget } from 'pix2pix-in-the-browser/widget';
import type { Pix2PixWidgetEvents, ReadyDetail, ResultDetail } from 'pix2pix-in-the-browser/widget';

const advice: Partial<Record<Pix2PixErrorCode, string>> = { fetch: 'Try again.', 'no-webgpu': 'Take the CPU.' };

function percent({ phase, loaded, total }: Progress): string {
  return total === null ? `${phase} ${loaded}` : `${phase} ${(100 * loaded) / total} %`;
}

export async function translate(image: HTMLImageElement, canvas: HTMLCanvasElement, file: Blob): Promise<string> {
  const { signal } = new AbortController();
  const options: CreateOptions = {
    backend: 'auto',
    workers: 2,
    signal,
    onProgress: (progress) => console.log(percent(progress)),
  };
  const model = await Pix2Pix.create('models/any/manifest.json', options);
  await Pix2Pix.create(new URL('https://example.org/manifest.json'), { backend: 'cpu' });
  const local: LocalModel = { manifest: '{}', weights: file };
  await Pix2Pix.create(local);
  try {
    await model.warmUp();
    const pictures: ImageData[] = [
      await model.run(image),
      await model.run(canvas, { signal }),
      await model.run(file, { signal, tile: 512 }),
      await model.run(new ImageData(64, 64)),
      await model.run(await createImageBitmap(image)),
    ];
    canvas.getContext('2d')?.putImageData(pictures[0], 0, 0);
    const shape: TensorShape = { channels: 3, height: 256, width: 256 };
    const values: Float32Array = await model.runTensor(
      new Float32Array(3 * 256 * 256),
      { batch: 1, ...shape },
      { signal },
    );
    const backend: Backend = model.backend;
    const manifest: Manifest = model.manifest;
    const adapter: string = model.adapter ?? (model.isSoftware ? 'in software' : 'unnamed');
    return [
      backend,
      model.backendReason,
      adapter,
      manifest.title ?? manifest.name,
      manifest.weights[0].sha256,
      values.length,
    ].join();
  } catch (error) {
    if (error instanceof Pix2PixError) return advice[error.code] ?? error.message;
    throw error;
  } finally {
    model.dispose();
  }
}

export function embed(file: Blob): Promise<void> {
  const widget: Pix2PixWidget = document.createElement('pix2pix-widget');
  const mode: 'draw' | 'photo' | 'compare' = widget.mode;
  widget.addEventListener('result', ({ detail }) => {
    const { imageData, milliseconds }: ResultDetail = detail;
    console.log(mode, imageData.width, milliseconds.toFixed());
  });
  widget.addEventListener('ready', ({ detail }) => {
    const { backend, backendReason, adapter, manifest }: ReadyDetail = detail;
    console.log(backend, backendReason, adapter, manifest.name);
  });
  widget.addEventListener('progress', ({ detail }) => console.log(percent(detail)));
  widget.addEventListener('error', (event: Pix2PixWidgetEvents['error']) => {
    console.log(event.detail.code satisfies Pix2PixErrorCode, event.detail.message);
  });
  widget.addEventListener('click', (event) => console.log(event.type));
  return widget.open(file);
}

export async function mistakes(model: Pix2Pix, error: Pix2PixError): Promise<void> {
  // @ts-expect-error: there is no such backend
  await Pix2Pix.create('manifest.json', { backend: 'cuda' });
  // @ts-expect-error: models are created, not constructed
  new Pix2Pix();
  // @ts-expect-error: an address is no picture
  await model.run('photo.jpg');
  // @ts-expect-error: a tensor has a shape
  await model.runTensor(new Float32Array(3));
  // @ts-expect-error: the backend is chosen once
  model.backend = 'cpu';
  // @ts-expect-error: there is no such code
  if (error.code === 'lost') console.log(error);
  // @ts-expect-error: there is no such method
  model.train();
}

export async function teach(pairs: TrainingPair[], board: HTMLCanvasElement, show: (image: ImageData) => void) {
  const options: TrainingOptions = { pairs, size: 128, base: 8, steps: 500, learningRate: 1e-3, watch: [board] };
  const training = await Training.create(options);
  training.addEventListener('step', ({ detail }) => console.log(detail.step, detail.losses.G_L1, detail.milliseconds));
  training.addEventListener('sample', ({ detail }) => detail.images.forEach(show));
  training.addEventListener('warning', ({ detail }) => console.warn(detail.message));
  training.addEventListener('error', ({ detail }) => console.error(detail.error.code));
  const first: TrainingLosses = await training.step();
  await training.plan(training.steps + training.stepsMade);
  await training.start({ share: 0.5 });
  await training.pause();
  await training.watch([]);
  show(await training.preview(board));
  const checkpoint: TrainingCheckpoint = await training.checkpoint();
  const { manifest, weights, path } = await training.export();
  const state = [training.isRunning, training.size, training.loadSize, training.losses.length, checkpoint.step, path];
  training.dispose();
  const further = await Training.create({ pairs, from: { manifest, weights } });
  further.dispose();
  return { first, state };
}
