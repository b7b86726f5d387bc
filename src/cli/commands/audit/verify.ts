import { existsSync, readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { parseLine } from '../../../audit/heads/line.js';
import type { AuditVerdict } from '../../../audit/verify.js';
import type { AuditEntry, AuditHead } from '../../../store/audit.js';
import { readCommandLineSettings } from '../../../settings/commandLine.js';
import { FileFault, readTextFile } from '../../../wholeFile.js';
import type { Api } from '../../api.js';
import { described } from '../../describe.js';
import { EXIT, Failure, usage } from '../../exit.js';
import { operation } from '../../operation.js';
import { asking, type AskingOptions } from '../../options.js';
import { talk } from '../../talk.js';
import { asHashed, following } from './entries.js';

/** The server begins another file at 16 MiB. */
const MAX_HEADS_FILE = 64 * 2 ** 20;

const WHERE = operation<{
  readonly viewer: { readonly workspace: { readonly id: string }; readonly project: { readonly id: string } | null };
}>('query AuditWorkspace { viewer { workspace { id } project { id } } }');

interface VerifyOptions extends AskingOptions {
  readonly head?: AuditHead;
  /** A file of heads, as the server writes it. */
  readonly heads?: string;
}

export function verifyCommand(): Command {
  const command = described({
    name: 'verify',
    description:
      "Read the workspace's audit log from its beginning and work out each hash anew. " +
      'Keep the head that it prints in another place, and give it with --head the next time: ' +
      'somebody who can write to the database can write a new log, but not one with that head. ' +
      'The last head that this command saw on this computer is required too.',
    example: 'latchkey audit verify --head 1042:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  })
    .option(
      '--head <seq:hash|file>',
      'an entry that has to be there, noted earlier; or a file whose last line it is',
      headOf,
    )
    .option(
      '--heads <file>',
      'a file that the server wrote (AUDIT_HEADS_FILE): each head of the workspace in it has to be there',
    );
  return asking(command).action(async (options: VerifyOptions) => {
    await talk(options, async ({ ask, show, terminal }) => {
      const { workspace, project } = (await ask(WHERE)).viewer;
      if (project !== null) throw boundToProject();
      // Loaded only here: other commands need no hashes.
      const { verifyAudit } = await import('../../../audit/verify.js');
      const chain = chainOf({ ask }, (done, of) => terminal.progress(`${done} of ${of} entries`));
      const copied = options.heads === undefined ? [] : headsIn(options.heads, workspace.id);
      const { SeenHeads } = await import('./seenHeads.js');
      const seen = new SeenHeads(options.url ?? readCommandLineSettings().url, workspace.id, (text) =>
        terminal.note(text),
      );
      const before = seen.read();
      const known = [options.head, before].filter((head) => head != null);
      const verdict = await verifyAudit(chain, workspace.id, [...known, ...copied]);
      if (options.heads !== undefined)
        terminal.note(`Compared with ${copied.length} heads of this workspace in the file.`);
      if (before !== null)
        terminal.note(`Compared with entry ${before.seq}, the last head that this computer saw, at ${before.at}.`);
      if (verdict.outcome === 'whole' && verdict.entries > 0) seen.write({ seq: verdict.entries, hash: verdict.head });
      show({ workspace: workspace.id, ...verdict }, () => sentenceOf(verdict));
      if (verdict.outcome !== 'whole') process.exitCode = EXIT.failed;
    });
  });
}

const HEAD = operation<{ readonly auditHead: AuditHead | null }>('query AuditHead { auditHead { seq hash } }');

/** The chain as `verifyAudit` reads it, over the API, with the head that the server keeps apart from it. */
function chainOf(api: Pick<Api, 'ask'>, progress: (done: number, of: number) => void) {
  let end = 0;
  return {
    head: async (): Promise<AuditHead | null> => {
      const { auditHead } = await api.ask(HEAD);
      end = auditHead?.seq ?? 0;
      return auditHead;
    },
    /** Ends early at a gap, whose place is then the fault. */
    read: async (workspaceId: string, after: number, limit: number): Promise<AuditEntry[]> => {
      const read: AuditEntry[] = [];
      while (read.length < limit) {
        const { entries, until } = await following(api, after + read.length);
        read.push(...entries.map((entry) => asHashed(entry, workspaceId)));
        if (after + read.length < until) break;
        progress(after + read.length, end);
      }
      return read;
    },
  };
}

function sentenceOf(verdict: AuditVerdict): string {
  switch (verdict.outcome) {
    case 'whole':
      return `The log is whole: ${verdict.entries} entries. Head: ${verdict.entries}:${verdict.head}`;
    case 'missing':
      return `The log is broken: entry ${verdict.seq} is missing.`;
    case 'headless':
      return `The log may be cut off: it has ${verdict.entries} entries, and the head that the server keeps is missing.`;
    case 'altered':
      return `The log is broken: entry ${verdict.seq} is not what was written.`;
  }
}

function headOf(given: string): AuditHead {
  const text = existsSync(given) ? (readFileSync(given, 'utf8').trim().split('\n').at(-1) ?? '') : given;
  const [, seq, hash] = /(?:^|Head: )([1-9]\d{0,14}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (hash === undefined)
    throw new InvalidArgumentError('It is written as verify prints it: number, colon, 64 digits.');
  return { seq: Number(seq), hash };
}

/** @throws Failure where the file cannot be read, or holds no head of the workspace */
function headsIn(path: string, workspaceId: string): AuditHead[] {
  let text: string;
  try {
    text = readTextFile(path, MAX_HEADS_FILE);
  } catch (error) {
    if (error instanceof FileFault) throw usage(`--heads is ${path}, which ${error.message}.`);
    throw error;
  }
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const heads = lines.map((line) => parseLine(line.trim()));
  const wrong = heads.indexOf(null);
  if (wrong >= 0)
    throw usage(
      `--heads is ${path}, of which line ${wrong + 1} of those with text is not a head. Remove it, or give the file as the server wrote it.`,
    );
  const own = heads.filter((head) => head?.workspaceId === workspaceId).filter((head) => head !== null);
  if (own.length === 0) throw usage(`--heads is ${path}, which holds no head of the workspace ${workspaceId}.`);
  return own;
}

function boundToProject(): Failure {
  return new Failure(
    EXIT.forbidden,
    'FORBIDDEN',
    'The key is bound to a project and reads that part of the log alone. Take an admin key of the workspace itself.',
  );
}
