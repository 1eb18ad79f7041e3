// Formats numbers and foreign text for people.

import { phrase } from '../runtime/phrase.js';
import { number, text } from './language.js';

/** 1500 → "1.5 kB", in the unit of `reference`. */
export function bytes(count, reference = count) {
  if (reference < 1000) return text('{count} bytes', { count });
  if (reference < 1e6) return `${number(count / 1e3, reference < 1e4 ? 1 : 0)} kB`;
  return `${number(count / 1e6, 1)} MB`;
}

export function progressText(loaded, total) {
  return total ? text('{part} of {total}', { part: bytes(loaded, total), total: bytes(total) }) : bytes(loaded);
}

export function duration(milliseconds) {
  if (milliseconds < 1000) return `${Math.max(1, Math.round(milliseconds))} ms`;
  return `${number(milliseconds / 1000, milliseconds < 10_000 ? 2 : 1)} s`;
}

export function pixels(width, height) {
  return `${number(width)} × ${number(height)}`;
}

/** A file's name, as a value in a text. */
export function quoted(name) {
  return { template: phrase('“{name}”'), values: { name: oneLine(name) } };
}

/** Foreign text as one short line that cannot change the direction of the text around it; '' if
    it is no string. */
export function oneLine(value, longest = 120) {
  if (typeof value !== 'string') return '';
  return value
    .slice(0, longest)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .trim();
}
