// A card for each model: task, training data, quality, size, licence. Words of a
// manifest become text, never markup.

import { element } from '../view/element.js';
import * as format from '../view/format.js';

/** A radio button in the shape of a card. */
export function modelCard(entry, onChoose) {
  const title = element('b', {}, entry.title || entry.name);
  const does = element('span', {}, entry.summary);
  const facts = element('dl', { className: 'card-facts' });
  const size = element('small', {}, '\u00a0'); // keeps the line free
  entry.manifest.then((manifest) => {
    title.textContent = entry.title || format.text(manifest?.title) || entry.name;
    size.textContent = sizeLine(manifest, entry);
    facts.replaceChildren(...factRows(manifest));
  });
  const radio = element('input', { type: 'radio', name: 'model', value: entry.name });
  radio.addEventListener('change', onChoose);
  return element('label', { className: 'card' }, radio, title, does, size, facts);
}

function sizeLine(manifest, entry) {
  const bytes = manifest?.weights?.[0]?.bytes;
  if (!Number.isFinite(bytes)) return 'Not on this site yet';
  return entry.files ? `${format.bytes(bytes)}, from your disk` : `${format.bytes(bytes)} download`;
}

function factRows(manifest) {
  const training = manifest?.training ?? {};
  const steps = training.steps > 0 && `${format.count(training.steps)} steps`;
  const rows = [
    ['Trained on', [format.text(training.dataset), steps].filter(Boolean).join(', ')],
    ['Quality', quality(training.metrics)],
    ['Licence', format.text(manifest?.license)],
  ];
  return rows
    .filter(([, value]) => value)
    .map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value)));
}

/** The metric on held-out images, beside that of the untouched input. */
function quality(metrics) {
  const [from, to] = [metrics?.input, metrics?.output];
  if (Number.isFinite(to?.psnr) && Number.isFinite(from?.psnr)) {
    return `${to.psnr.toFixed(1)} dB PSNR; untouched ${from.psnr.toFixed(1)}`;
  }
  if (Number.isFinite(to?.l1)) return `L1 ${to.l1.toFixed(3)}`;
  return '';
}
