import type { Command } from 'commander';
import { Option } from 'commander';
import type { WorkspaceHead } from '../../../management/audit/heads/headLine.js';
import type { AuditVerdict, Checkpoint } from '../../../management/audit/verifyAudit.js';
import type { AuditHead } from '../../../core/store/audit.js';
import { readCommandLineSettings } from '../../../server/settings/commandLine.js';
import { described } from '../../describe.js';
import { EXIT, Failure, usage } from '../../exit.js';
import { operation } from '../../typedOperation.js';
import { asking, type AskingOptions } from '../../commandOptions.js';
import { talk, type Talk } from '../../talk.js';
import { afterArchives, archivesIn, type ArchiveFault } from './archives.js';
import { chainOf } from './chain.js';
import { headsIn, keptHead, type KeptHead } from './headFile.js';
import { allOf, assertOwn, assertRead, comparisons, ownIn, type Noted } from './noted.js';
import { Progress } from './progress.js';
import { SeenHeads } from './seenHeads.js';
import { sentenceOf } from './verdict.js';

const WHERE = operation<{
  readonly viewer: { readonly workspace: { readonly id: string }; readonly project: { readonly id: string } | null };
}>('query AuditWorkspace { viewer { workspace { id } project { id } } }');

interface VerifyOptions extends AskingOptions {
  /** A head, or the path of a file that ends with one. */
  readonly head?: string;
  /** A file of heads that the server wrote. */
  readonly heads?: string;
  /** Files that `audit archive` wrote. */
  readonly archive?: readonly string[];
  /** A head, or the path of a file that ends with one. */
  readonly from?: string;
  readonly resume?: true;
}

export function verifyCommand(): Command {
  const command = described({
    name: 'verify',
    description:
      'Read the whole audit log of the workspace and check each hash. ' +
      'Store the head that it prints somewhere else, and pass it with --head the next time: ' +
      'someone who can write to the database can write a new log, but not one with that head. ' +
      'The log must also contain the last head that this command saw on this computer. ' +
      'A run that was interrupted can be continued with --resume.',
    example: 'latchkey audit verify --head 1042:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  })
    .option(
      '--head <seq:hash|file>',
      'an entry that the log must contain, as printed by an earlier run; or a file that ends with it',
    )
    .option(
      '--heads <file>',
      'a file that the server wrote (AUDIT_HEADS_FILE): the log must contain each head of the workspace in it',
    )
    .option(
      '--archive <files...>',
      'all files that audit archive wrote from this log: they are checked as its beginning',
    )
    .addOption(
      new Option(
        '--from <seq:hash|file>',
        'read only the entries after this one, as printed by an earlier run; or a file that ends with it',
      ).conflicts(['archive', 'resume']),
    )
    .option('--resume', 'continue the last run that was interrupted on this computer');
  return asking(command).action(async (options: VerifyOptions) => {
    const given = {
      kept: options.head === undefined ? null : await keptHead(options.head),
      heads: options.heads === undefined ? null : await headsIn(options.heads),
      from: options.from === undefined ? null : await keptHead(options.from, '--from'),
    };
    await talk(options, async (told) => {
      const { workspaceId, verdict } = await verify(options, given, told);
      const from = given.from === null ? null : given.from.seq;
      const shown = { workspace: workspaceId, ...(from !== null && { from }), ...verdict };
      told.show(shown, () => sentenceOf(verdict, from));
      if (verdict.outcome !== 'whole') process.exitCode = EXIT.failed;
    });
  });
}

/** The contents of the files and heads in the arguments. */
interface Given {
  readonly kept: KeptHead | null;
  readonly heads: readonly WorkspaceHead[] | null;
  readonly from: KeptHead | null;
}

interface Verified {
  readonly workspaceId: string;
  readonly verdict: AuditVerdict | ArchiveFault;
}

async function verify(options: VerifyOptions, { kept, heads, from }: Given, told: Talk): Promise<Verified> {
  const { ask, terminal } = told;
  const { workspace, project } = (await ask(WHERE)).viewer;
  if (project !== null) throw boundToProject();
  const workspaceId = workspace.id;
  assertOwn('--head', kept, workspaceId);
  assertOwn('--from', from, workspaceId);
  const note = (text: string): void => terminal.note(text);
  const url = options.url ?? readCommandLineSettings().url;
  const seenHeads = new SeenHeads(url, workspaceId, note);
  const copied = heads && ownIn(heads, options.heads ?? '', workspaceId);
  const noted: Noted = { kept, seen: seenHeads.read(), copied };
  const chain = chainOf({ ask }, (done, of) => terminal.progress(`${done} of ${of} entries`));
  const base = await chain.base();
  const archives = options.archive && (await archivesIn(options.archive, workspaceId, allOf(noted)));
  if (archives !== undefined && 'outcome' in archives) return { workspaceId, verdict: archives };
  const end = archives?.at(-1)?.head;
  const cut = end === undefined ? null : afterArchives(end, base);
  if (cut !== null) return { workspaceId, verdict: cut };
  const start = from?.seq ?? (archives === undefined ? (base?.seq ?? 0) : 0);
  assertAllRead(noted, { from, archives, base });

  const known = end === undefined ? allOf(noted) : [...allOf(noted), end];
  const progress = new Progress(url, workspaceId, known, note);
  const reached = options.resume === true ? resumed(progress, base, note) : null;
  const verdict = await verifyChain(chain, told, { workspaceId, known, from, reached, progress });
  if (archives !== undefined) note(`Checked entries 1 to ${end?.seq} in ${archives.length} archives.`);
  for (const sentence of comparisons(noted, start)) note(sentence);
  const isBroken = 'seq' in verdict;
  if (isBroken && noted.seen !== null && kept === null && copied === null) note(seenHeads.advice);
  // A head that was not compared is kept for the next run.
  const isCompared = from === null || (noted.seen?.seq ?? from.seq) >= from.seq;
  if (verdict.outcome === 'whole' && verdict.entries > 0 && isCompared)
    seenHeads.write({ seq: verdict.entries, hash: verdict.head });
  return { workspaceId, verdict };
}

interface ChainOptions {
  readonly workspaceId: string;
  readonly known: readonly AuditHead[];
  readonly from: AuditHead | null;
  readonly reached: Checkpoint | null;
  readonly progress: Progress;
}

/** Reads and verifies the entries in the store. If that fails, it says how to continue. */
async function verifyChain(
  chain: ReturnType<typeof chainOf>,
  { terminal }: Talk,
  { workspaceId, known, from, reached, progress }: ChainOptions,
): Promise<AuditVerdict> {
  // Loaded only here: other commands need no hashes.
  const { verifyAudit } = await import('../../../management/audit/verifyAudit.js');
  let last: AuditHead | null = reached;
  const onProgress = (checkpoint: Checkpoint): void => {
    last = checkpoint;
    if (from === null) progress.write(checkpoint);
  };
  try {
    const start = from === null ? reached : { seq: from.seq, hash: from.hash };
    const verdict = await verifyAudit(chain, workspaceId, { known, from: start, onProgress });
    if (from === null) progress.remove();
    return verdict;
  } catch (error) {
    if (last !== null) {
      const how = from === null ? '--resume' : `--from ${last.seq}:${last.hash}`;
      terminal.note(`Entries up to ${last.seq} are verified. To continue there, run the command again with ${how}.`);
    }
    throw error;
  }
}

/** Returns the progress of the interrupted run, and prints it; null if there is none to continue. */
function resumed(progress: Progress, base: AuditHead | null, note: (text: string) => void): Checkpoint | null {
  const reached = progress.read();
  if (reached === null) note('No interrupted run was found. Reading the log from its beginning.');
  else if (reached.seq < (base?.seq ?? 0))
    note(`Entries up to ${base?.seq} were archived since the interrupted run. Reading all entries after them.`);
  else note(`Continuing after entry ${reached.seq}, which an earlier run reached at ${reached.at}.`);
  return reached;
}

/** @throws Failure if a head that was noted earlier is from before the first entry that is read */
function assertAllRead(
  noted: Noted,
  {
    from,
    archives,
    base,
  }: { readonly from: AuditHead | null; readonly archives: unknown; readonly base: AuditHead | null },
): void {
  const archived = base?.seq ?? 0;
  if (from !== null) {
    if (from.seq < archived)
      throw usage(`Entry ${from.seq}, of --from, was archived. Give a newer head, or leave out --from.`);
    assertRead({ ...noted, seen: null }, from.seq, 'is before --from and is not read. Leave out one of the options.');
  } else if (archives === undefined) {
    assertRead(noted, archived, "was archived and can't be compared. Give the archives with --archive.");
  }
}

function boundToProject(): Failure {
  return new Failure(
    EXIT.forbidden,
    'FORBIDDEN',
    'The key is bound to a project and reads only that part of the log. Use an admin key of the workspace itself.',
  );
}
