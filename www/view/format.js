// Formats numbers and foreign text for people.

const plain = new Intl.NumberFormat('en');

/** 1500 → "1.5 kB", in the unit of `reference`. */
export function bytes(count, reference = count) {
  if (reference < 1000) return `${plain.format(count)} bytes`;
  if (reference < 1e6) return `${(count / 1e3).toFixed(reference < 1e4 ? 1 : 0)} kB`;
  return `${(count / 1e6).toFixed(1)} MB`;
}

export function progressText(loaded, total) {
  return total ? `${bytes(loaded, total)} of ${bytes(total)}` : bytes(loaded);
}

export function duration(milliseconds) {
  if (milliseconds < 1000) return `${Math.max(1, Math.round(milliseconds))} ms`;
  return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 2 : 1)} s`;
}

export function pixels(width, height) {
  return `${plain.format(width)} × ${plain.format(height)}`;
}

export function count(number) {
  return plain.format(number);
}

/** Foreign text as one short line that cannot change the direction of the text around it; '' if
    it is no string. */
export function text(value, longest = 120) {
  if (typeof value !== 'string') return '';
  return value
    .slice(0, longest)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .trim();
}
