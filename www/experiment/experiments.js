// What the book's experiments teach, show and measure.

import { phrase } from '../runtime/phrase.js';
import { readyPairs } from '../teach/ready-pairs.js';
import { errorOf } from '../teach/squares.js';
import { number, text } from '../view/language.js';
import { mapped, shareOfReal } from './patch-map.js';
import { striped, texture } from './stripes.js';

/** What the networks of every experiment have in common: small ones, which want a higher rate than the paper's. */
export const LESSON = { size: 128, base: 8, learningRate: 1e-3 };

/** An experiment. Lessons are taught side by side; examples are what the networks are looked at with.
    @typedef {object} Experiment
    @property {number} steps
    @property {string} look what to look for
    @property {string[]} columns names of the pictures of an example, from the input on
    @property {string[]} rows names of the examples
    @property {() => { lessons: any[], examples: any[] }} prepare
    @property {(state: State) => Promise<Seen>} see */

/** @typedef {{ trainings: import('../runtime/training.js').Training[], examples: any[], outputs: ImageData[][] }} State
    `outputs` has those of each training for an example */
/** @typedef {{ pictures: ImageData[][], measures: Record<string, any>, sentence: string }} Seen
    the pictures of each example behind its input */

const percent = (share) => Math.round(100 * share);

/** @type {Experiment} */
const patches = {
  steps: 300,
  look: phrase(
    'Look for the colour of the squares: each is what netD says of the patch around it, orange for real, blue for made. It soon finds out what gives outputs away; netG mends that, and they turn orange until netD has found something else.',
  ),
  columns: [phrase('Input'), phrase('Output'), phrase('netD on the output'), phrase('netD on the target')],
  rows: [''],
  prepare() {
    const [example, ...pairs] = readyPairs();
    return { lessons: [{ pairs }], examples: [example] };
  },
  async see({ trainings: [training], examples: [{ input, target }], outputs: [[output]] }) {
    const ofOutput = await training.logits(input, output);
    const ofTarget = await training.logits(input, target);
    const measures = {
      patches: ofOutput.values.length,
      output: shareOfReal(ofOutput),
      target: shareOfReal(ofTarget),
    };
    const sentence = text('netD takes {output} % of the output’s patches for real, and {target} % of the target’s.', {
      output: percent(measures.output),
      target: percent(measures.target),
    });
    return { pictures: [[output, mapped(output, ofOutput), mapped(target, ofTarget)]], measures, sentence };
  },
};

/** @type {Experiment} */
const l1Alone = {
  steps: 400,
  look: phrase(
    'Look into the shapes: where the stripes lie, the outline does not tell. L1 alone learns to fill in one flat colour; netD does not let that pass, and stripes come, though not where the target has them.',
  ),
  columns: [phrase('Input'), phrase('L1 alone'), phrase('L1 and netD'), phrase('Target')],
  rows: ['', ''],
  prepare() {
    const [one, other, ...pairs] = readyPairs(striped);
    const lesson = { pairs, lambdaL1: 10 };
    return { lessons: [{ ...lesson, lambdaGan: 0 }, lesson], examples: [one, other] };
  },
  async see({ examples, outputs }) {
    const mean = (pictures) =>
      pictures.reduce((sum, picture, at) => sum + texture(picture, examples[at]) / pictures.length, 0);
    const whole = mean(examples.map(({ target }) => target));
    const of = (lesson) => mean(outputs.map((both) => both[lesson])) / whole;
    const measures = { alone: of(0), both: of(1) };
    const sentence = text('Of the target’s stripes, {alone} % are there with L1 alone, and {both} % with netD.', {
      alone: percent(measures.alone),
      both: percent(measures.both),
    });
    return { pictures: outputs.map((both, at) => [...both, examples[at].target]), measures, sentence };
  },
};

const FEW = 3;
const MORE = 24;

/** @type {Experiment} */
const fewPairs = {
  steps: 500,
  look: phrase(
    'Look at the lower rows: neither network has seen those. Both know the first pair by heart after a while; only one has learned what filling an outline means.',
  ),
  columns: [phrase('Input'), phrase('Taught with 3 pairs'), phrase('Taught with 24 pairs'), phrase('Target')],
  rows: [phrase('A pair that both have seen'), phrase('Pairs that neither has seen'), ''],
  prepare() {
    const pairs = readyPairs();
    const lessons = [FEW, MORE].map((count) => ({ pairs: pairs.slice(0, count) }));
    return { lessons, examples: [pairs[0], pairs[MORE], pairs[MORE + 1]] };
  },
  async see({ examples, outputs }) {
    const errors = [0, 1].map((lesson) => outputs.map((both, at) => errorOf(both[lesson], examples[at].target)));
    const [few, more] = errors.map(([seen, ...unseen]) => ({
      seen,
      unseen: unseen.reduce((sum, error) => sum + error, 0) / unseen.length,
    }));
    const tenths = (share) => number(100 * share, 1);
    const sentence = text(
      'With 3 pairs a pixel is off by {fewSeen} % where the pair was seen and by {fewUnseen} % elsewhere; with 24 by {moreSeen} % and {moreUnseen} %.',
      {
        fewSeen: tenths(few.seen),
        fewUnseen: tenths(few.unseen),
        moreSeen: tenths(more.seen),
        moreUnseen: tenths(more.unseen),
      },
    );
    return { pictures: outputs.map((both, at) => [...both, examples[at].target]), measures: { few, more }, sentence };
  },
};

/** By the name in the element. @type {Record<string, Experiment>} */
export const EXPERIMENTS = { patches, 'l1-alone': l1Alone, 'few-pairs': fewPairs };
