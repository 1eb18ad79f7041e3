// The losses as curves, and what they mean in plain words.

import { number, text } from '../view/language.js';

const SPAN = 50;
/** log 2: what a critic pays that tosses a coin. */
const GUESSING = Math.LN2;
/** Points of a curve. */
const POINTS = 240;

function mean(losses, of) {
  return losses.reduce((sum, entry) => sum + of(entry), 0) / Math.max(1, losses.length);
}

const critic = ({ D_real, D_fake }) => (D_real + D_fake) / 2;

/** How far a pixel is off on average, as a share of the way from black to white. */
function pixelError(losses, lambda = 100) {
  return mean(losses, ({ G_L1 }) => G_L1) / lambda / 2;
}

/** What is known of pairs that it does not learn from, so many times that of the others, says that it learns by heart. */
const BY_HEART = 1.6;

/** One sentence about where the training stands; null before there is anything to say. `unseen` is the error of pairs
    that it does not learn from, if there are some and losses measure the same colours.
    @returns {(() => string) | null} */
export function reading(losses, unseen = NaN) {
  if (losses.length < 10) return null;
  const recent = losses.slice(-SPAN);
  const [now, begun] = [pixelError(recent), pixelError(losses.slice(0, 10))];
  const learnsByHeart = losses.length >= 4 * SPAN && unseen > BY_HEART * now;
  const paid = mean(recent, critic);
  return () => {
    const values = { now: percent(now), begun: percent(begun), unseen: percent(unseen) };
    if (learnsByHeart)
      return text(
        'A pixel is off by {now} % on average, by {begun} % at the beginning, but by {unseen} % where it has not seen the target: it learns the pairs by heart, and more of them would help.',
        values,
      );
    if (paid < 0.1)
      return text(
        'A pixel is off by {now} % on average, by {begun} % at the beginning; the critic tells drawn from real nearly every time, so that only this distance teaches.',
        values,
      );
    if (paid > 0.9 * GUESSING)
      return text(
        'A pixel is off by {now} % on average, by {begun} % at the beginning; the critic can only guess what is drawn and what is real.',
        values,
      );
    return text(
      'A pixel is off by {now} % on average, by {begun} % at the beginning; critic and generator hold each other in check.',
      values,
    );
  };
}

function percent(share) {
  return number(100 * share, share < 0.1 ? 1 : 0);
}

/** Draws both curves, each from zero to its own highest point. */
export function drawCurves(canvas, losses) {
  const { clientWidth, clientHeight } = canvas;
  if (clientWidth === 0) return;
  const scale = devicePixelRatio;
  canvas.width = clientWidth * scale;
  canvas.height = clientHeight * scale;
  const context = canvas.getContext('2d');
  context.scale(scale, scale);
  context.lineWidth = 1.5;
  context.lineJoin = 'round';
  // Colours of properties are not resolved, those of these two are.
  const { color: accent, borderTopColor: faint } = getComputedStyle(canvas);
  /** @type {[(entry: any) => number, string][]} */
  const curves = [
    [critic, faint],
    [({ G_L1 }) => G_L1, accent],
  ];
  for (const [of, color] of curves) {
    const points = thinned(losses, of);
    const highest = Math.max(1e-6, ...points);
    context.strokeStyle = color;
    context.beginPath();
    points.forEach((value, index) => {
      const x = (index / Math.max(1, points.length - 1)) * (clientWidth - 2) + 1;
      const y = clientHeight - 2 - (value / highest) * (clientHeight - 4);
      context.lineTo(x, y);
    });
    context.stroke();
  }
}

/** Means of as many neighbours as it takes. */
function thinned(losses, of) {
  const size = Math.max(1, Math.ceil(losses.length / POINTS));
  const points = [];
  for (let at = 0; at < losses.length; at += size) points.push(mean(losses.slice(at, at + size), of));
  return points;
}
