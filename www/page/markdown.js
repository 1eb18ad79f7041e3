// Shows the Markdown of a model's README.md: headings, paragraphs, tables, code and links. Words become
// text, never markup; what else there may be in Markdown stays as it is written.

import { element } from '../view/element.js';

// Limits of length keep the search short in a file that was made to be slow.
const INLINE = /`([^`]{1,300})`|\[([^\]]{1,300})\]\(([^)\s]{1,300})\)/g;

/** Elements for `text`, without its title. Links start from `base`; without one they are plain text.
    @param {string} text @param {string} [base] */
export function showMarkdown(text, base) {
  const shown = [];
  const lines = text.split(/\r?\n/);
  // All where none is another: -1 becomes the largest number.
  const take = (isNext) => lines.splice(0, lines.findIndex((line) => !isNext(line)) >>> 0);
  while (lines.length > 0) {
    const [, level, title] = lines[0].match(/^(#+) (.*)/) ?? [];
    if (level) {
      lines.shift();
      if (level.length > 1) shown.push(element(level.length === 2 ? 'h3' : 'h4', {}, title));
    } else if (lines[0].startsWith('```')) {
      lines.shift();
      shown.push(element('pre', {}, take((line) => !line.startsWith('```')).join('\n')));
      lines.shift();
    } else if (lines[0].startsWith('|')) {
      shown.push(
        table(
          take((line) => line.startsWith('|')),
          base,
        ),
      );
    } else if (lines[0].trim() === '') lines.shift();
    else shown.push(element('p', {}, ...inline(take((line) => /^(?!#+ |```|\|)\s*\S/.test(line)).join(' '), base)));
  }
  return shown;
}

/** The second row only says how columns are aligned; a head of empty cells is none. */
function table(lines, base) {
  const [head, , ...rows] = lines;
  const cells = (row) =>
    row
      .replace(/^\||\|\s*$/g, '')
      .split('|')
      .map((cell) => cell.trim());
  const line = (tag, row) =>
    element('tr', {}, ...cells(row).map((cell) => element(cell ? tag : 'td', {}, ...inline(cell, base))));
  const heads = cells(head).some(Boolean) ? [element('thead', {}, line('th', head))] : [];
  return element('table', {}, ...heads, element('tbody', {}, ...rows.map((row) => line('td', row))));
}

function inline(text, base) {
  const shown = [];
  let end = 0;
  for (const { 0: whole, 1: code, 2: label, 3: address, index } of text.matchAll(INLINE)) {
    shown.push(text.slice(end, index), code ? element('code', {}, code) : link(label, address, base));
    end = index + whole.length;
  }
  return [...shown, text.slice(end)];
}

/** A link to the web, in a tab of its own; any other is its label alone. */
function link(label, address, base) {
  const url = URL.canParse(address, base) ? new URL(address, base) : null;
  if (!url || !/^https?:$/.test(url.protocol)) return label;
  return element('a', { href: url.href, target: '_blank', rel: 'noopener' }, label);
}
