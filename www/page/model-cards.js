// One card for each model: what it does, what it was made from, how well, how
// large, whose. What a manifest says is text to show, never markup.

import { element } from '../view/element.js';
import * as words from '../view/words.js';

/** A radio button in the shape of a card. */
export function modelCard(entry, onChoose) {
  const title = element('b', {}, entry.title || entry.name);
  const does = element('span', {}, entry.summary);
  const facts = element('dl', { className: 'card-facts' });
  const size = element('small', {}, '\u00a0'); // its line is kept free
  entry.manifest.then((manifest) => {
    title.textContent = entry.title || words.text(manifest?.title) || entry.name;
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
  return entry.files ? `${words.bytes(bytes)}, from your disk` : `${words.bytes(bytes)} download`;
}

function factRows(manifest) {
  const training = manifest?.training ?? {};
  const steps = training.steps > 0 && `${words.count(training.steps)} steps`;
  const rows = [
    ['Trained on', [words.text(training.dataset), steps].filter(Boolean).join(', ')],
    ['Quality', quality(training.metrics)],
    ['Licence', words.text(manifest?.license)],
  ];
  return rows
    .filter(([, value]) => value)
    .map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value)));
}

/** The held-out measure, beside that of the untouched input. */
function quality(metrics) {
  const [from, to] = [metrics?.input, metrics?.output];
  if (Number.isFinite(to?.psnr) && Number.isFinite(from?.psnr)) {
    return `${to.psnr.toFixed(1)} dB PSNR; untouched ${from.psnr.toFixed(1)}`;
  }
  if (Number.isFinite(to?.l1)) return `L1 ${to.l1.toFixed(3)}`;
  return '';
}
