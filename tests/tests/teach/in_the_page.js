// What the tests ask of the page that teaches; each function answers with plain data.

const module = () => import('./pix2pix-training.js');
async function pairsFromSite(count, side) {
  const pairs = [];
  for (let index = 0; index < count; index++) {
    const blob = await (await fetch(`pairs/${index}.png`)).blob();
    const image = await createImageBitmap(blob, { colorSpaceConversion: 'none' });
    const context = new OffscreenCanvas(2 * side, side).getContext('2d', { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    pairs.push({ input: context.getImageData(0, 0, side, side), target: context.getImageData(side, 0, side, side) });
  }
  return pairs;
}
async function losses({ count, steps, seed, side, learningRate, workers, backend }) {
  const { Training } = await module();
  const pairs = await pairsFromSite(count, side);
  const options = { pairs, size: 128, base: 8, seed, steps, learningRate, workers, backend };
  const one = await Training.create(options);
  await one.step(steps);
  const two = await Training.create(options);
  await two.step(steps / 2);
  const checkpoint = structuredClone(await two.checkpoint());
  two.dispose();
  const three = await Training.create({ pairs, checkpoint, backend });
  await three.step(steps / 2);
  return { once: one.losses, again: three.losses };
}
async function continued({ count, steps, seed, side, begun }) {
  const { Training } = await module();
  const pairs = await pairsFromSite(count, side);
  const options = { pairs, size: 128, base: 8, seed, steps: 1000, learningRatePolicy: 'constant' };
  const fresh = await Training.create(options);
  const checkpoint = await fresh.checkpoint();
  fresh.dispose();
  for (const [name, content] of checkpoint.files) {
    if (typeof content === 'string') {
      checkpoint.files.set(name, JSON.stringify({ ...JSON.parse(content), step: begun }));
    } else {
      const native = await fetch(`native/${name}`);
      if (!native.ok) throw new Error(`${name}: ${native.status}`);
      checkpoint.files.set(name, new Uint8Array(await native.arrayBuffer()));
    }
  }
  const training = await Training.create({ pairs, checkpoint });
  await training.step(steps);
  return { losses: training.losses };
}
const apart = (one, other) => one.data.reduce((most, byte, at) => Math.max(most, Math.abs(byte - other.data[at])), 0);
async function further({ manifest }) {
  const { Training } = await module();
  const { Pix2Pix } = await import('./pix2pix.js');
  const [input, target] = [new ImageData(128, 128), new ImageData(128, 128)];
  for (let at = 0; at < input.data.length; at++) {
    input.data[at] = at % 4 === 3 ? 255 : (at * 37 + (at >> 9) * 3) & 255;
    target.data[at] = at % 4 === 3 ? 255 : at % 4 === 0 ? 200 : 60;
  }
  const pairs = [
    { input, target },
    { input: target, target },
  ];
  const training = await Training.create({ pairs, from: manifest, size: 128, loadSize: 128 });
  const model = await Pix2Pix.create(manifest, { backend: 'cpu' });
  const mine = await training.preview(input);
  const theirs = await model.run(input);
  await training.step(12);
  const distance = (some) => some.reduce((sum, { G_L1 }) => sum + G_L1, 0);
  return {
    before: apart(mine, theirs),
    modes: [training.manifest, JSON.parse((await training.export()).manifest), model.manifest].map(
      ({ input }) => input.mode,
    ),
    after: apart(mine, await training.preview(input)),
    first: distance(training.losses.slice(0, 4)),
    last: distance(training.losses.slice(-4)),
  };
}
async function logits() {
  const { Training } = await module();
  const { readyPairs } = await import('./teach/ready-pairs.js');
  const { scaled } = await import('./teach/squares.js');
  const [ready] = readyPairs();
  const pair = { input: await scaled(ready.input, 128), target: await scaled(ready.target, 128) };
  const training = await Training.create({ pairs: [pair], size: 128, loadSize: 128, base: 4, mirror: false });
  await training.step(3);
  const { values, width, height } = await training.logits(pair.input, pair.target);
  const paid = values.reduce((sum, logit) => sum + Math.log1p(Math.exp(-logit)), 0) / values.length;
  const { D_real } = await training.step();
  return { size: [width, height, values.length], paid, D_real };
}
async function team() {
  const { Lead } = await import('./runtime/training-team.js');
  const { port1, port2 } = new MessageChannel();
  port2.onmessage = () => port2.postMessage({ error: { code: 'internal', message: 'It broke.' } });
  let exchange;
  const session = {
    join: (_rank, peers) => (exchange = () => peers.exchange(new Float32Array(3))),
    step: () => exchange(),
  };
  const lead = new Lead(session, [port1]);
  return lead.step().catch(({ message }) => ({ message }));
}
async function tasks() {
  const { Training } = await module();
  const { pairsFor, TASKS } = await import('./teach/photo-pairs.js');
  const { SIDE } = await import('./teach/squares.js');
  const photos = [1, 2, 3].map((number) => {
    const target = new ImageData(SIDE, SIDE);
    for (let at = 0; at < target.data.length; at++) {
      const [x, y] = [(at >> 2) % SIDE, Math.floor((at >> 2) / SIDE)];
      const isDisk = Math.hypot(x - 90 - 20 * number, y - 120) < 50;
      target.data[at] = at % 4 === 3 ? 255 : isDisk ? 230 - 90 * (at % 4) : (x * (at % 4)) & 127;
    }
    return { name: `photo ${number}`, target };
  });
  const answers = [];
  for (const [task, { options }] of Object.entries(TASKS)) {
    const [pairs, again] = [await pairsFor(task, photos), await pairsFor(task, photos)];
    const training = await Training.create({ pairs, size: 128, base: 4, task, ...options });
    await training.step(2);
    const { manifest } = await training.export();
    const differences = pairs.map(({ input, target }) =>
      input.data.reduce((sum, byte, at) => sum + Math.abs(byte - target.data[at]) / input.data.length, 0),
    );
    answers.push({
      task,
      spoilt: Math.max(...differences),
      isSame: pairs.every(({ input }, index) => String(input.data) === String(again[index].input.data)),
      areFinite: training.losses.every(({ G_L1, D_fake }) => Number.isFinite(G_L1 + D_fake)),
      manifest: JSON.parse(manifest),
    });
    training.dispose();
  }
  return { tasks: answers };
}
async function folders() {
  const { pairsOf } = await import('./teach/file-pairs.js');
  const { zipOf } = await import('./page/zip-writer.js');
  const file = async (path, color, width, height) => {
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext('2d');
    context.fillStyle = color;
    context.fillRect(0, 0, width, height);
    return { path, bytes: new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer()) };
  };
  const files = [
    await file('set/B/1.png', '#00f', 80, 40),
    await file('set/A/1.png', '#f00', 80, 40),
    await file('set/A/2.png', '#f00', 80, 40),
    await file('set/A/3.jpg', '#f00', 60, 60),
    await file('set/B/3.png', '#00f', 30, 30),
    await file('set/A/4.png', '#f00', 40, 40),
    await file('set/B/4.png', '#00f', 40, 80),
    { path: '__MACOSX/set/A/1.png', bytes: new Uint8Array(9) },
    { path: 'set/readme.txt', bytes: new Uint8Array(9) },
  ];
  const zip = new File([zipOf(files)], 'set.zip');
  const { pairs, problems } = await pairsOf([zip]);
  const middle = ({ data, width }) => 4 * (width / 2) * (width + 1);
  const seen = pairs.map(({ name, input, target }) => [name, input.data[middle(input)], target.data[middle(target)]]);
  return { pairs: seen, problems: problems.map((words) => words()) };
}
async function preview(bytes) {
  const image = await createImageBitmap(new Blob([new Uint8Array(bytes)]), { colorSpaceConversion: 'none' });
  const { data } = await window.pix2pixTeach.training.preview(image);
  let text = '';
  for (let at = 0; at < data.length; at += 0x8000) text += String.fromCharCode(...data.subarray(at, at + 0x8000));
  return { data: btoa(text) };
}
