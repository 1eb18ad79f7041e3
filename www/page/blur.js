// A Gaussian blur with clamped edges, in slices, so that the page stays
// responsive. Canvas filters would darken the edges and miss some browsers.

const SLICE_MS = 12;

/** Blurs `image` in place. */
export async function blur(image, sigma) {
  const { width, height, data } = image;
  const kernel = gaussian(sigma);
  const between = new Float32Array(data.length);
  await inSlices(height, (y) => blurLine(data, between, y * width * 4, 4, width, kernel));
  await inSlices(width, (x) => blurLine(between, data, x * 4, width * 4, height, kernel));
}

/** One row or column: `count` pixels from `start`, `stride` numbers apart. */
function blurLine(from, to, start, stride, count, kernel) {
  const reach = (kernel.length - 1) / 2;
  for (let i = 0; i < count; i++) {
    let r = 0;
    let g = 0;
    let b = 0;
    for (let k = -reach; k <= reach; k++) {
      const near = start + Math.min(count - 1, Math.max(0, i + k)) * stride;
      const weight = kernel[k + reach];
      r += weight * from[near];
      g += weight * from[near + 1];
      b += weight * from[near + 2];
    }
    const at = start + i * stride;
    to[at] = r;
    to[at + 1] = g;
    to[at + 2] = b;
    to[at + 3] = from[at + 3];
  }
}

function gaussian(sigma) {
  const reach = Math.ceil(sigma * 3);
  const kernel = Float32Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-(((i - reach) / sigma) ** 2) / 2));
  const sum = kernel.reduce((a, b) => a + b);
  return kernel.map((weight) => weight / sum);
}

async function inSlices(count, work) {
  let pause = performance.now() + SLICE_MS;
  for (let i = 0; i < count; i++) {
    work(i);
    if (performance.now() < pause) continue;
    await new Promise((resolve) => setTimeout(resolve));
    pause = performance.now() + SLICE_MS;
  }
}
