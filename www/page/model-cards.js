// A card for each model: what it does, in words and in a picture; training data, quality, size and
// licence behind "Details", and all else that its README.md says in a dialog (about.js). Words of a
// manifest become text, never markup.

import { phrase } from '../runtime/phrase.js';
import { element } from '../view/element.js';
import * as format from '../view/format.js';
import { label, number, show, text } from '../view/language.js';

/** Sides of a thumbnail, input and output beside each other, in its own pixels. */
const THUMBNAIL = { width: 256, height: 128 };

/** A radio button in the shape of a card. */
export function modelCard(entry, onChoose) {
  let titled = entry.title;
  const title = () => text(titled) || entry.name;
  const name = element('b', {}, title);
  const absent = element('small', { hidden: true }, () => text('Not on this site yet'));
  const facts = element('dl', { className: 'card-facts' });
  entry.manifest.then((manifest) => {
    titled ||= format.oneLine(manifest?.title);
    show(name, title);
    absent.hidden = size(manifest, entry) !== '';
    facts.replaceChildren(...factRows(manifest, entry));
  });
  const radio = element('input', { type: 'radio', name: 'model', value: entry.name });
  radio.addEventListener('change', onChoose);
  const choice = element(
    'label',
    {},
    radio,
    ...thumbnail(entry),
    name,
    element('span', {}, () => text(entry.summary, { folder: entry.folder })),
    absent,
  );
  const details = element(
    'details',
    {},
    element('summary', {}, () => text('Details')),
    ...sheet(entry),
    facts,
    ...about(entry, title),
  );
  return element('div', { className: 'card' }, choice, details);
}

/** Opens the model's README.md. A model from disk may have none. */
function about(entry, title) {
  if (entry.files && !entry.readme) return [];
  const open = async () => (await import('./about.js')).openAbout(entry, title);
  const words = () => text('Data, limits, training');
  const button = element('button', { type: 'button', className: 'button', on: { click: open } }, words);
  // Each has a name of its own; the manifest may bring the title.
  entry.manifest.then(() =>
    label(button, 'aria-label', () => text('{words} of {title}', { words: words(), title: title() })),
  );
  return [button];
}

/** Input and output of the sample that the page opens with. */
function thumbnail({ pictures }) {
  return pictures ? [element('img', { ...THUMBNAIL, alt: '', src: pictures.thumbnail })] : [];
}

/** All samples, inputs above outputs. Comes when the details are opened. */
function sheet({ pictures }) {
  if (!pictures) return [];
  const alt = () => text('Samples above, and what the model makes of them below');
  return [element('img', { className: 'sheet-of-samples', loading: 'lazy', alt, src: pictures.sheet })];
}

function size(manifest, entry) {
  const bytes = manifest?.weights?.[0]?.bytes;
  if (!Number.isFinite(bytes)) return '';
  return entry.files ? text('{size}, from your disk', { size: format.bytes(bytes) }) : format.bytes(bytes);
}

function factRows(manifest, entry) {
  const training = manifest?.training ?? {};
  const steps = () => training.steps > 0 && text('{count} steps', { count: training.steps });
  /** @type {[string, () => string][]} */
  const rows = [
    [phrase('Download'), () => size(manifest, entry)],
    [phrase('Trained on'), () => [text(format.oneLine(training.dataset)), steps()].filter(Boolean).join(', ')],
    [phrase('Quality'), () => quality(training.metrics)],
    [phrase('Licence'), () => format.oneLine(manifest?.license)],
  ];
  return rows
    .filter(([, value]) => value())
    .map(([name, value]) =>
      element(
        'div',
        {},
        element('dt', {}, () => text(name)),
        element('dd', {}, value),
      ),
    );
}

/** The metric on held-out images, beside that of the untouched input. */
function quality(metrics) {
  const [from, to] = [metrics?.input, metrics?.output];
  if (Number.isFinite(to?.psnr) && Number.isFinite(from?.psnr)) {
    return text('{to} dB PSNR; untouched {from}', { to: number(to.psnr, 1), from: number(from.psnr, 1) });
  }
  if (Number.isFinite(to?.l1)) return `L1 ${number(to.l1, 3)}`;
  return '';
}
