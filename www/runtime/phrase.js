// Texts for people that are translated where they are shown (view/language.js), with places for values, `{name}`.

/** Marks such a text. @param {string} english */
export function phrase(english) {
  return english;
}

/** A value in a text: some are texts with values of their own.
    @typedef {string | number | { template: string, values: Record<string, any> }} Value */

const plain = new Intl.NumberFormat('en');

/** @param {Value} value @returns {string} */
function inEnglish(value) {
  if (typeof value === 'object') return fill(value.template, value.values);
  return typeof value === 'number' ? plain.format(value) : value;
}

/** The text with its values; `write` makes a text of each.
    @param {string} text @param {Record<string, Value>} values @param {(value: Value) => string} [write] */
export function fill(text, values, write = inEnglish) {
  return text.replace(/\{(\w+)\}/g, (place, name) => (Object.hasOwn(values, name) ? write(values[name]) : place));
}
