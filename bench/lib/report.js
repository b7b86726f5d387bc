/** @typedef {ReturnType<typeof import('./measure.js').summarise>} Summary */

/** Rounds to three significant digits: more are not reproducible. @param {number} value */
export function digits(value) {
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

/** @param {Summary} summary @returns {string} for a terminal */
export function asText(summary) {
  const rows = table(summary);
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))));
  return [
    `${summary.what} (${summary.unit})`,
    ...lines.filter((cells) => cells.length > 0).map((cells) => `  ${cells.join('  ')}`.trimEnd()),
    ...summary.verdicts.map((verdict) => `  ${inWords(verdict)}`),
    ...(summary.note === undefined ? [] : [`  ${summary.note}`]),
    '',
  ].join('\n');
}

/** @param {Summary} summary @returns {string} */
export function asMarkdown(summary) {
  const [head, ...rows] = table(summary);
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [
    `**${summary.what}** (${summary.unit})`,
    '',
    ...(rows.length === 0 ? [] : [line(head), `|---|${'---:|'.repeat(head.length - 1)}`, ...rows.map(line), '']),
    ...summary.verdicts.map((verdict) => `- ${inWords(verdict)}`),
    ...(summary.verdicts.length === 0 ? [] : ['']),
    ...(summary.note === undefined ? [] : [summary.note, '']),
  ].join('\n');
}

function table({ subjects, ours }) {
  if (subjects.length === 0) return [[]];
  const compared = subjects.some(({ ratio }) => ratio !== null);
  return [
    ['', 'median', 'lowest to highest', 'rounds', ...(compared ? [`${ours} ÷ it`] : [])],
    ...subjects.map(({ name, median, lowest, highest, rounds, ratio }) => [
      name,
      digits(median),
      rounds === 1 ? '' : `${digits(lowest)} to ${digits(highest)}`,
      String(rounds),
      ...(compared ? [ratio === null ? '' : digits(ratio)] : []),
    ]),
  ];
}

function inWords({ goal, reached, met }) {
  return `Goal ${goal}: ${digits(reached)}, ${met ? 'met' : 'missed'}`;
}
