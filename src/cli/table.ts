import Table from 'cli-table3';
import type { Terminal } from './terminal.js';
import { visible } from './visibleText.js';

const NO_BORDERS = {
  ...Object.fromEntries(
    ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
      .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'])
      .map((name) => [name, '']),
  ),
  middle: '  ',
};

export interface Column<Row> {
  readonly title: string;
  /** The table makes control characters in others' text visible. */
  readonly text: (row: Row) => string;
  /** The colour of its cell. */
  readonly style?: (row: Row) => Parameters<Terminal['style']>[0];
  /** Aligns numbers to the right. */
  readonly right?: true;
}

/** Returns a table without lines, so that its content can be copied. */
export function table<Row>(terminal: Terminal, columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const drawn = new Table({
    chars: NO_BORDERS,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    head: columns.map(({ title }) => terminal.style('bold', title)),
    colAligns: columns.map(({ right }) => (right === undefined ? 'left' : 'right')),
  });
  for (const row of rows) {
    drawn.push(
      columns.map(({ text, style }) => {
        const cell = visible(text(row));
        return style === undefined ? cell : terminal.style(style(row), cell);
      }),
    );
  }
  return trimmed(drawn.toString());
}

/** Formats names and values, one per line, without names that have no value. */
export function list(terminal: Terminal, entries: readonly (readonly [string, string | null])[]): string {
  const given = entries.filter((entry): entry is [string, string] => entry[1] !== null);
  const width = Math.max(...given.map(([name]) => name.length));
  return given
    .map(([name, value]) => `${terminal.style('bold', name.padEnd(width))}  ${visible(value)}`.trimEnd())
    .join('\n');
}

function trimmed(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
