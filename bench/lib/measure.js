import { median, ratio } from './stats.js';

/**
 * @typedef {object} Goal what is to be reached
 * @property {string} [of] the subject that has to reach it. Absent: `ours`
 * @property {string} [against] a subject: the goal is for the ratio to it. Absent: for the subject's own value
 * @property {number} [atMost]
 * @property {number} [atLeast]
 *
 * @typedef {object} Measure what was measured side by side in the same rounds
 * @property {string} what
 * @property {string} unit
 * @property {string} [ours] the subject that the ratios are of. Absent if none are shown
 * @property {Record<string, number[]>} samples by subject, a value a round
 * @property {readonly Goal[]} [goals]
 * @property {string} [note] what a reader has to know to read the figures rightly
 *
 * @typedef {object} Verdict
 * @property {string} goal in words
 * @property {number} reached
 * @property {boolean} met
 */

/** @param {Measure} measure */
export function summarise({ what, unit, ours, samples, goals = [], note }) {
  const subjects = Object.entries(samples).map(([name, values]) => ({
    name,
    rounds: values.length,
    median: median(values),
    lowest: Math.min(...values),
    highest: Math.max(...values),
    ratio: name === ours || !(ours in samples) ? null : ratio(samples[ours], values),
  }));
  const verdicts = goals
    .filter(({ of = ours, against = of }) => against in samples && of in samples)
    .map((goal) => judge(goal, samples, ours, unit));
  return { what, unit, ours, subjects, verdicts, ...(note !== undefined && { note }) };
}

/** @returns {Verdict} */
function judge(goal, samples, ours, unit) {
  const { of = ours, against, atMost, atLeast } = goal;
  const reached = against === undefined ? median(samples[of]) : ratio(samples[of], samples[against]);
  const bound = atMost === undefined ? `at least ${atLeast}` : `at most ${atMost}`;
  const words = `${of === ours ? '' : `of ${of}: `}${bound} ${against === undefined ? unit : `× ${against}`}`;
  return { goal: words, reached, met: atMost === undefined ? reached >= atLeast : reached <= atMost };
}
