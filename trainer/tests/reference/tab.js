async function step({ files: native, step, gan_mode, base, learningRate, input, target }) {
  const { Training } = await import('./pix2pix-training.js');
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const image = (text) => new ImageData(new Uint8ClampedArray(bytes(text)), 128);
  const pairs = [{ input: image(input), target: image(target) }];
  const asNatively = { size: 128, loadSize: 128, mirror: false, dropout: 0, learningRatePolicy: 'constant' };
  const fresh = await Training.create({ pairs, base, learningRate, ...asNatively });
  const checkpoint = await fresh.checkpoint();
  fresh.dispose();
  for (const [name, content] of checkpoint.files) {
    if (typeof content === 'string') {
      const state = JSON.parse(content);
      Object.assign(state, { step, settings: { ...state.settings, gan_mode } });
      checkpoint.files.set(name, JSON.stringify(state));
    } else checkpoint.files.set(name, bytes(native[name]));
  }
  const training = await Training.create({ pairs, checkpoint });
  const losses = await training.step();
  const files = {};
  for (const [name, content] of (await training.checkpoint()).files) {
    if (typeof content === 'string') continue;
    let text = '';
    for (let at = 0; at < content.length; at += 0x8000)
      text += String.fromCharCode(...content.subarray(at, at + 0x8000));
    files[name] = btoa(text);
  }
  training.dispose();
  return { losses, files };
}
