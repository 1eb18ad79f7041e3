// Builds elements. Strings become text, never markup.

import { label, textNode } from './language.js';

const SVG = 'http://www.w3.org/2000/svg';

/** Creates an element: sets properties, names with a dash as attributes, and the
    listeners in `on`. Functions make words (language.js), for attributes as for the text in the element. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'on') {
      for (const [type, listener] of Object.entries(value)) made.addEventListener(type, listener);
    } else if (typeof value === 'function') label(made, name, value);
    else if (name.includes('-') || name === 'role') made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.map((child) => (typeof child === 'function' ? textNode(child) : child)));
  return made;
}

/** An icon of 20 × 20 units in the colour of the text. */
export function icon(path) {
  const svg = document.createElementNS(SVG, 'svg');
  const line = document.createElementNS(SVG, 'path');
  svg.setAttribute('viewBox', '0 0 20 20');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  line.setAttribute('d', path);
  svg.append(line);
  return svg;
}
