import type { Command } from 'commander';
import { described } from '../describe.js';
import { openContent } from '../files.js';
import { json } from '../commandOptions.js';
import { tokensIn, type Content, type Kind } from '../scan/scannedContent.js';
import { ScanReport, type Found } from '../scan/scanReport.js';
import { filesUnder } from '../scan/walk.js';
import { openTerminal, type Terminal } from '../terminal.js';
import { jsonText, visible } from '../visibleText.js';
import { FileFault, fileFaultOf, isOfSystem } from '../../shared/files/wholeFile.js';

/** The number of files between two progress messages. */
const PROGRESS_EACH = 100;

export function scanCommand(): Command {
  const command = described({
    name: 'scan',
    description:
      'Find tokens in files, offline, by their format and checksum, with any prefix. ' +
      'It reads UTF-8, UTF-16 and other encodings that contain ASCII, and finds tokens in base64, percent-encoding, quoted-printable and the escapes of JSON, JavaScript and HTML. For each token it shows the location and the prefix, never the secret. ' +
      'Directories named node_modules and .git are skipped. ' +
      'Named pipes, sockets and devices are listed but not read, except a pipe that the shell opened, as in <(command). ' +
      'Compressed files and archives are listed but not scanned. In binary files, only tokens without an encoding are found. ' +
      'The exit code is 1 if a token was found, or if some files were scanned and others could not be read, and 7 if no file could be scanned as text.',
    example: 'git diff --cached | latchkey scan -',
  }).argument('<path...>', 'files and directories; - reads standard input');
  return json(command).action(async (paths: readonly string[], options: { readonly json?: true }) => {
    const terminal = openTerminal();
    const report = new ScanReport();
    const onFind = options.json === true ? () => undefined : (found: Found) => terminal.out(lineOf(found));
    for (const path of paths) await scan(path, report, terminal, onFind);
    terminal.progressEnd();
    if (options.json === true) terminal.out(jsonText(report));
    for (const line of report.lines()) terminal.note(line);
    process.exitCode = report.exitCode();
  });
}

type OnFind = (found: Found) => void;

async function scan(path: string, report: ScanReport, terminal: Terminal, onFind: OnFind): Promise<void> {
  if (report.isFull()) return;
  if (path === '-') {
    await look('-', () => process.stdin, report, onFind);
    return;
  }
  for await (const place of filesUnder(path)) {
    if (report.isFull()) return;
    if (place.kind === 'file') await look(place.path, () => openContent(place.path), report, onFind);
    else if (place.kind === 'unreadable') report.unreadable(place.path, place.reason);
    else report.notScanned(place.path, place.kind);
    if (report.looked % PROGRESS_EACH === 0) terminal.progress(`${report.looked} files, ${place.path}`);
  }
}

async function look(
  file: string,
  open: () => Content | Promise<Content>,
  report: ScanReport,
  onFind: OnFind,
): Promise<void> {
  const told: { kind: Kind } = { kind: 'text' };
  report.begin();
  try {
    for await (const find of tokensIn(await open(), (kind) => (told.kind = kind))) {
      const found = { file, ...find };
      report.find(found);
      onFind(found);
      if (report.isFull()) break;
    }
    if (told.kind === 'text') report.scanned();
    else report.notScanned(file, told.kind);
  } catch (error) {
    if (!isOfSystem(error) && !(error instanceof FileFault)) throw error;
    report.unreadable(file, fileFaultOf(error).message);
  }
}

function lineOf({ file, line, column, prefix }: Found): string {
  return `${visible(file)}:${line}:${column}: ${prefix}`;
}
