// The same networks and the same step in TensorFlow.js: pix2pix with a U-Net and a 70×70 PatchGAN.
// Its backend for WebAssembly has no gradient of a convolution's weights, so that WebGL trains.

window.measurePeer = async (base, size, steps) => {
  const { tf } = window;
  await tf.setBackend('webgl');
  await tf.ready();
  const kernelInitializer = tf.initializers.randomNormal({ stddev: 0.02 });
  const { layers } = tf;
  const normalised = (x, isNormalised) => (isNormalised ? layers.batchNormalization({}).apply(x) : x);
  const down = (x, filters, { strides = 2, norm = true, active = true } = {}) => {
    const input = active ? layers.leakyReLU({ alpha: 0.2 }).apply(x) : x;
    const conv = { filters, kernelSize: 4, strides, padding: 'same', useBias: !norm, kernelInitializer };
    return normalised(layers.conv2d(conv).apply(input), norm);
  };
  const up = (x, filters, isLast) => {
    const conv = { filters, kernelSize: 4, strides: 2, padding: 'same', useBias: isLast, kernelInitializer };
    return normalised(layers.conv2dTranspose(conv).apply(layers.reLU().apply(x)), !isLast);
  };
  const width = (level) => base * Math.min(8, 2 ** level);

  const generator = () => {
    const input = tf.input({ shape: [size, size, 3] });
    const depth = Math.log2(size);
    const skips = [];
    let x = input;
    for (let level = 0; level < depth; level++) {
      x = down(x, width(level), { norm: level > 0 && level < depth - 1, active: level > 0 });
      skips.push(x);
    }
    for (let level = depth - 1; level >= 0; level--) {
      const seen = level === depth - 1 ? x : layers.concatenate().apply([skips[level], x]);
      x = up(seen, level === 0 ? 3 : width(level - 1), level === 0);
    }
    return tf.model({ inputs: input, outputs: layers.activation({ activation: 'tanh' }).apply(x) });
  };
  const discriminator = () => {
    const input = tf.input({ shape: [size, size, 6] });
    let x = down(input, base, { norm: false, active: false });
    x = down(down(x, width(1)), width(2));
    x = down(x, width(3), { strides: 1 });
    return tf.model({ inputs: input, outputs: down(x, 1, { strides: 1, norm: false }) });
  };

  const [netG, netD] = [generator(), discriminator()];
  const adam = () => tf.train.adam(2e-4, 0.5, 0.999, 1e-8);
  const [optimizerG, optimizerD] = [adam(), adam()];
  const variables = (net) => net.trainableWeights.map((weight) => weight.val);
  const run = (net, x) => net.apply(x, { training: true });
  const judged = (realA, b) => run(netD, tf.concat([realA, b], 3));
  const loss = (logits, isReal) =>
    tf.losses.sigmoidCrossEntropy(isReal ? tf.onesLike(logits) : tf.zerosLike(logits), logits);
  const [realA, realB] = [0, 1].map(() => tf.randomUniform([1, size, size, 3], -1, 1));
  const step = () => {
    const fakeB = run(netG, realA);
    const lossD = () =>
      loss(judged(realA, realB), true)
        .add(loss(judged(realA, fakeB), false))
        .mul(0.5);
    const d = optimizerD.minimize(lossD, true, variables(netD));
    const lossG = () => {
      const fake = run(netG, realA);
      return loss(judged(realA, fake), true).add(tf.abs(fake.sub(realB)).mean().mul(100));
    };
    const g = optimizerG.minimize(lossG, true, variables(netG));
    return tf.stack([d, g]);
  };
  const times = [];
  for (let made = 0; made <= steps; made++) {
    const begun = performance.now();
    const losses = tf.tidy(step);
    await losses.data();
    losses.dispose();
    times.push(performance.now() - begun);
  }
  // The first compiles the shaders.
  return times.slice(1).sort((one, other) => one - other)[steps >> 1];
};
