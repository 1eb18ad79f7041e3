// The controls of a drawing board: tools, line width, history, colours.

import { BLACK, css, WHITE } from './drawing-board.js';
import { phrase } from '../runtime/phrase.js';
import { element, icon } from './element.js';
import { text } from './language.js';

const TOOLS = [
  ['pencil', phrase('Pencil'), 'P', 'M4 16l1-4 8-8 3 3-8 8z M11 6l3 3'],
  ['eraser', phrase('Eraser'), 'E', 'M3 13l7-8 6 5-6 6H6z M7 9l6 5 M9 16h8'],
  ['rectangle', phrase('Rectangle'), 'R', 'M3 5h14v10H3z'],
];
const HISTORY = {
  undo: [phrase('Undo'), 'M7 4L3 8l4 4 M3 8h8a5 4.5 0 0 1 0 8H7'],
  redo: [phrase('Redo'), 'M13 4l4 4-4 4 M17 8H9a5 4.5 0 0 0 0 8h4'],
  clear: [phrase('Clear'), 'M4 6h12 M8 6V4h4v2 M6 6l1 11h6l1-11'],
};
export const MAX_LINE = 48;

let groups = 0;

/** The controls of `board`: `bar` goes above it, `colors` below.
    `palette`: [{ name, color }], empty for line drawings. `signal` ends them. */
export function drawTools(board, palette, signal) {
  const group = `draw-${++groups}`;
  const tools = TOOLS.map(([name, label, key, path]) =>
    radio({
      group: `${group}-tool`,
      value: name,
      checked: name === board.tool,
      title: () => `${text(label)} (${key})`,
      onchange: () => {
        board.tool = name;
      },
      face: [icon(path), element('span', { className: 'sr' }, () => text(label))],
    }),
  );
  const history = Object.fromEntries(
    Object.entries(HISTORY).map(([name, [label, path]]) => [
      name,
      element(
        'button',
        {
          type: 'button',
          className: 'tool',
          title: () => text(label),
          'aria-label': () => text(label),
          on: { click: () => board[name]() },
        },
        icon(path),
      ),
    ]),
  );
  const showHistory = () => {
    history.undo.disabled = !board.canUndo;
    history.redo.disabled = !board.canRedo;
  };
  board.addEventListener('history', showHistory, { signal });
  showHistory();
  const bar = element(
    'div',
    { className: 'draw-bar', role: 'group', 'aria-label': () => text('Drawing tools') },
    element('div', { className: 'tool-set', role: 'radiogroup', 'aria-label': () => text('Tool') }, ...tools),
    lineWidth(board, palette.length > 0),
    element('div', { className: 'tool-set' }, history.undo, history.redo, history.clear),
  );
  return {
    bar,
    colors: colors(board, palette, `${group}-color`),
    press: (event) => press(event, board, bar),
    /** Shows a line width that the board has from elsewhere. */
    showLineWidth() {
      const slider = bar.querySelector('input[type=range]');
      slider.value = board.lineWidth;
      slider.dispatchEvent(new Event('input'));
    },
  };
}

function lineWidth(board, isThick) {
  board.lineWidth = isThick ? 12 : 3;
  const shown = element('output', { className: 'line-width-value' }, `${board.lineWidth} px`);
  const slider = element('input', {
    type: 'range',
    min: 1,
    max: MAX_LINE,
    value: board.lineWidth,
    'aria-label': () => text('Line width'),
  });
  slider.addEventListener('input', () => {
    board.lineWidth = Number(slider.value);
    shown.textContent = `${slider.value} px`;
  });
  return element('div', { className: 'line-width' }, slider, shown);
}

function colors(board, palette, group) {
  const isFree = palette.length === 0;
  const entries = isFree
    ? [
        { name: phrase('Black'), color: BLACK },
        { name: phrase('White'), color: WHITE },
      ]
    : palette;
  // The first label of a palette is the background.
  const first = isFree ? entries[0] : entries[Math.min(1, entries.length - 1)];
  board.color = first.color;
  const swatches = entries.map((entry) => {
    const swatch = radio({
      group,
      value: entry.name,
      checked: entry === first,
      onchange: () => {
        board.color = entry.color;
      },
      face: [element('i', { className: 'swatch' }), element('b', {}, () => text(entry.name))],
    });
    swatch.querySelector('.swatch').style.setProperty('--swatch', css(entry.color));
    return swatch;
  });
  return element(
    'div',
    { className: 'palette', role: 'radiogroup', 'aria-label': () => (isFree ? text('Colour') : text('Label')) },
    ...swatches,
  );
}

/** @param {any} properties */
function radio({ group, value, checked, title = '', onchange, face }) {
  const input = element('input', { type: 'radio', name: group, value, checked, on: { change: onchange } });
  return element('label', { className: 'choice', title }, input, element('span', { className: 'tool' }, ...face));
}

/** Handles a shortcut; true if the key is one. */
function press(event, board, bar) {
  const isCommand = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (isCommand && key === 'z') board[event.shiftKey ? 'redo' : 'undo']();
  else if (isCommand && key === 'y') board.redo();
  else if (isCommand || event.altKey) return false;
  else if (key === '[' || key === ']') {
    const slider = bar.querySelector('input[type=range]');
    slider.value = board.lineWidth + (key === ']' ? 1 : -1);
    slider.dispatchEvent(new Event('input'));
  } else {
    const tool = TOOLS.find(([, , letter]) => letter.toLowerCase() === key);
    if (!tool) return false;
    bar.querySelector(`input[value=${tool[0]}]`).click();
  }
  event.preventDefault();
  return true;
}
