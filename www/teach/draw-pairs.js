// Two drawing boards for a pair of one's own: left what one will draw, right what it
// shall become.

import { decodeImage, IMAGE_TYPES } from '../runtime/image.js';
import { phrase } from '../runtime/phrase.js';
import { drawTools } from '../view/draw-tools.js';
import { DrawingBoard, WHITE } from '../view/drawing-board.js';
import { element } from '../view/element.js';
import { text } from '../view/language.js';
import { middleOf } from './photo-pairs.js';
import { SIDE, squareOf } from './squares.js';

const COLORS = [
  { name: phrase('White'), color: WHITE },
  { name: phrase('Orange'), color: [240, 140, 30] },
  { name: phrase('Blue'), color: [47, 111, 230] },
  { name: phrase('Green'), color: [42, 157, 79] },
  { name: phrase('Red'), color: [208, 52, 44] },
  { name: phrase('Brown'), color: [124, 84, 52] },
  { name: phrase('Black'), color: [0, 0, 0] },
];

export class DrawPairs {
  root;
  #boards;

  /** `onPair` gets each pair, without a name; `onError` what is wrong with a picture. */
  constructor(onPair, onError) {
    this.#boards = [
      {
        title: () => text('Input'),
        label: () =>
          text('Input of the pair: what you will draw. Arrow keys move the pen, Space puts it down and lifts it.'),
        palette: [],
      },
      {
        title: () => text('Target'),
        label: () =>
          text('Target of the pair: what it shall become. Arrow keys move the pen, Space puts it down and lifts it.'),
        palette: COLORS,
      },
    ].map(({ title, label, palette }) => makeBoard(title, label, palette));
    const [input, target] = this.#boards;
    const add = element('button', { type: 'button', className: 'button primary', id: 'add-pair' }, () =>
      text('Add this pair'),
    );
    const copy = element('button', { type: 'button', className: 'button', id: 'copy-input' }, () =>
      text('Copy the input over'),
    );
    copy.addEventListener('click', () => target.board.load(input.canvas));
    const picture = element('input', {
      type: 'file',
      className: 'file',
      id: 'target-input',
      accept: IMAGE_TYPES,
      'aria-label': () => text('Choose a picture as the target'),
    });
    const choose = element('label', { className: 'button', htmlFor: picture.id }, () =>
      text('A picture as the target'),
    );
    picture.addEventListener('change', () => {
      const [file] = picture.files;
      picture.value = '';
      if (file) loadPicture(file, target.board).catch(onError);
    });
    add.addEventListener('click', () => {
      onPair({ input: squareOf(input.canvas), target: squareOf(target.canvas) });
      for (const { board } of this.#boards) board.clear();
    });
    this.root = element(
      'div',
      { className: 'draw' },
      element('div', { className: 'sheets' }, input.root, target.root),
      picture,
      element('div', { className: 'actions' }, choose, copy, add),
    );
  }
}

/** The middle of a picture, as of photos. */
async function loadPicture(file, board) {
  const image = await decodeImage(file, { name: file.name });
  const square = await createImageBitmap(middleOf(image));
  image.close();
  board.load(square);
  square.close();
}

function makeBoard(title, label, palette) {
  const canvas = element('canvas', {
    className: 'drawing',
    tabIndex: 0,
    role: 'application',
    'aria-roledescription': () => text('drawing'),
    'aria-label': label,
  });
  const pen = element('i', { className: 'pen', hidden: true });
  const board = new DrawingBoard(canvas);
  board.begin({ side: SIDE, isExact: palette.length > 0 });
  const tools = drawTools(board, palette, new AbortController().signal);
  const showPen = () => {
    pen.hidden = !canvas.matches(':focus-visible');
    pen.dataset.down = String(board.pen.isDown);
    pen.style.left = `${(board.pen.x / canvas.width) * 100}%`;
    pen.style.top = `${(board.pen.y / canvas.height) * 100}%`;
  };
  board.addEventListener('pen', showPen);
  canvas.addEventListener('focus', showPen);
  canvas.addEventListener('blur', () => {
    pen.hidden = true;
  });
  const root = element(
    'figure',
    { className: 'sheet' },
    tools.bar,
    element('div', { className: 'sheet-frame' }, canvas, pen),
    element('figcaption', {}, title),
    tools.colors,
  );
  root.addEventListener('keydown', (event) => {
    if (/** @type {any} */ (event.target).type !== 'range') tools.press(event);
  });
  return { root, board, canvas };
}
