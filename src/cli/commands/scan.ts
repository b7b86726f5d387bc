import type { Command } from 'commander';
import { createReadStream } from 'node:fs';
import { described } from '../describe.js';
import { EXIT, type ExitCode } from '../exit.js';
import { json } from '../options.js';
import type { Find } from '../scan/find.js';
import { tokensIn, type Content, type Kind } from '../scan/read.js';
import { filesUnder } from '../scan/walk.js';
import { openTerminal, type Terminal } from '../terminal.js';
import { jsonText, visible } from '../visible.js';

/** Anybody can write text full of tokens: past so many nobody reads on, and the list of them stays bounded. */
const MAX_FINDS = 10_000;

/** Places that were not scanned: those that are listed, and those that are named one by one for people. */
const MAX_NOT_SCANNED = 100_000;
const MAX_NAMED = 50;

/** How many files between two words of progress. */
const PROGRESS_EACH = 100;

interface Found extends Find {
  readonly file: string;
}

/** Why a place was not scanned, or only in part. */
const REASONS = {
  unreadable: 'could not be read',
  binary: 'binary, searched for plain tokens only',
  compressed: 'compressed, not scanned',
  link: 'link, not followed',
  other: 'neither a file nor a directory, not scanned',
  'too deep': 'too many directories within each other, not scanned',
} as const;

type Reason = keyof typeof REASONS;

interface Report {
  readonly findings: Found[];
  readonly unreadable: string[];
  /** What was not scanned as text, without what is unreadable. */
  readonly notScanned: { readonly file: string; readonly reason: Exclude<Reason, 'unreadable'> }[];
  /** Files that were scanned as text. */
  files: number;
}

export function scanCommand(): Command {
  const command = described({
    name: 'scan',
    description:
      'Find tokens in files, offline: by their form and their checksum, whatever their prefix. ' +
      'It reads UTF-8, UTF-16 and other encodings that contain ASCII. Of each it shows the place and the prefix, never the secret. ' +
      'Directories named node_modules and .git are skipped. ' +
      'Compressed files and archives are named and not scanned; in binary files only plain tokens are found. ' +
      'The exit code is 1 where a token was found or a file could not be read, and 7 where nothing could be scanned.',
    example: 'git diff --cached | latchkey scan -',
  }).argument('<path...>', 'files and directories; - reads standard input');
  return json(command).action(async (paths: readonly string[], options: { readonly json?: true }) => {
    const terminal = openTerminal();
    const report: Report = { findings: [], unreadable: [], notScanned: [], files: 0 };
    const onFind = options.json === true ? () => undefined : (find: Found) => terminal.out(lineOf(find));
    for (const path of paths) await scan(path, report, terminal, onFind);
    terminal.progressEnd();
    const more = report.findings.length >= MAX_FINDS;
    if (options.json === true) terminal.out(jsonText({ ...report, more }));
    for (const line of notesOf(report)) terminal.note(line);
    terminal.note(
      `${counted(report.files, 'file')}, ${counted(report.findings.length, 'token')}${more ? '; there may be more' : ''}.`,
    );
    process.exitCode = exitCodeOf(report);
  });
}

function exitCodeOf({ findings, unreadable, notScanned, files }: Report): ExitCode {
  if (findings.length > 0) return EXIT.failed;
  if (files === 0 && unreadable.length + notScanned.length > 0) return EXIT.notScanned;
  return unreadable.length > 0 ? EXIT.failed : EXIT.ok;
}

/** Each place that was not scanned, up to {@link MAX_NAMED}: of the others the number, by reason. */
function notesOf({ unreadable, notScanned }: Report): string[] {
  const places = [...unreadable.map((file) => ({ file, reason: 'unreadable' as const })), ...notScanned];
  const lines = places.slice(0, MAX_NAMED).map(({ file, reason }) => `${visible(file)}: ${REASONS[reason]}.`);
  const rest = places.length - lines.length;
  return rest === 0 ? lines : [...lines, `${rest} more were not scanned; --json lists them.`];
}

async function scan(path: string, report: Report, terminal: Terminal, onFind: (find: Found) => void): Promise<void> {
  if (path === '-') {
    await look('-', process.stdin, report, onFind);
    return;
  }
  for await (const { kind, path: place } of filesUnder(path)) {
    if (report.findings.length >= MAX_FINDS) return;
    if (kind === 'file') await look(place, createReadStream(place), report, onFind);
    else note(report, place, kind);
    if (report.files % PROGRESS_EACH === 0) terminal.progress(`${report.files} files, ${place}`);
  }
}

async function look(file: string, content: Content, report: Report, onFind: (find: Found) => void): Promise<void> {
  const told: { kind: Kind } = { kind: 'text' };
  try {
    for await (const find of tokensIn(content, (kind) => (told.kind = kind))) {
      if (report.findings.length >= MAX_FINDS) return;
      const found = { file, ...find };
      report.findings.push(found);
      onFind(found);
    }
    if (told.kind === 'text') report.files += 1;
    else note(report, file, told.kind);
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    note(report, file, 'unreadable');
  }
}

function note({ unreadable, notScanned }: Report, file: string, reason: Reason): void {
  if (unreadable.length + notScanned.length >= MAX_NOT_SCANNED) return;
  if (reason === 'unreadable') unreadable.push(file);
  else notScanned.push({ file, reason });
}

function lineOf({ file, line, column, prefix }: Found): string {
  return `${visible(file)}:${line}:${column}: ${prefix}`;
}

function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
