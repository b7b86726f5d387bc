import type { Command } from 'commander';
import { createReadStream } from 'node:fs';
import { described } from '../describe.js';
import { EXIT } from '../exit.js';
import { json } from '../options.js';
import type { Find } from '../scan/find.js';
import { tokensIn, type Content } from '../scan/read.js';
import { filesUnder } from '../scan/walk.js';
import { openTerminal, type Terminal } from '../terminal.js';
import { jsonText, visible } from '../visible.js';

/** Anybody can write text full of tokens: past so many nobody reads on, and the list of them stays bounded. */
const MAX_FINDS = 10_000;

/** How many files between two words of progress. */
const PROGRESS_EACH = 100;

interface Found extends Find {
  readonly file: string;
}

interface Report {
  readonly findings: Found[];
  readonly unreadable: string[];
  files: number;
}

export function scanCommand(): Command {
  const command = described({
    name: 'scan',
    description:
      'Find tokens in files, offline: by their form and their checksum, whatever their prefix. ' +
      'Of each it shows the place and the prefix, never the secret. ' +
      'Binary files, node_modules and .git are passed over. ' +
      'The exit code is 1 where one was found or a file could not be read.',
    example: 'git diff --cached | latchkey scan -',
  }).argument('<path...>', 'files and directories; - reads standard input');
  return json(command).action(async (paths: readonly string[], options: { readonly json?: true }) => {
    const terminal = openTerminal();
    const report: Report = { findings: [], unreadable: [], files: 0 };
    const onFind = options.json === true ? () => undefined : (find: Found) => terminal.out(lineOf(find));
    for (const path of paths) await scan(path, report, terminal, onFind);
    terminal.progressEnd();
    const { findings, unreadable, files } = report;
    const more = findings.length >= MAX_FINDS;
    if (options.json === true) terminal.out(jsonText({ findings, unreadable, files, more }));
    for (const path of unreadable) terminal.note(`${visible(path)} could not be read.`);
    terminal.note(`${files} files, ${findings.length} tokens${more ? ': there may be more' : ''}.`);
    if (findings.length + unreadable.length > 0) process.exitCode = EXIT.failed;
  });
}

async function scan(path: string, report: Report, terminal: Terminal, onFind: (find: Found) => void): Promise<void> {
  if (path === '-') {
    await look('-', process.stdin, report, onFind);
    return;
  }
  for await (const place of filesUnder(path)) {
    if (report.findings.length >= MAX_FINDS) return;
    if (place.kind === 'unreadable') note(report, place.path);
    else await look(place.path, createReadStream(place.path), report, onFind);
    if (report.files % PROGRESS_EACH === 0) terminal.progress(`${report.files} files, ${place.path}`);
  }
}

async function look(file: string, content: Content, report: Report, onFind: (find: Found) => void): Promise<void> {
  try {
    for await (const find of tokensIn(content)) {
      if (report.findings.length >= MAX_FINDS) return;
      const found = { file, ...find };
      report.findings.push(found);
      onFind(found);
    }
    report.files += 1;
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    note(report, file);
  }
}

function note({ unreadable }: Report, path: string): void {
  if (unreadable.length < MAX_FINDS) unreadable.push(path);
}

function lineOf({ file, line, column, prefix }: Found): string {
  return `${visible(file)}:${line}:${column}: ${prefix}`;
}
