import type { Command } from 'commander';
import type { WorkspaceHead } from '../../../audit/heads/line.js';
import type { AuditVerdict } from '../../../audit/verify.js';
import type { AuditEntry, AuditHead } from '../../../store/audit.js';
import { readCommandLineSettings } from '../../../settings/commandLine.js';
import type { Api } from '../../api.js';
import { described } from '../../describe.js';
import { EXIT, Failure, usage } from '../../exit.js';
import { operation } from '../../operation.js';
import { asking, type AskingOptions } from '../../options.js';
import { talk } from '../../talk.js';
import { asHashed, following } from './entries.js';
import { afterArchives, archivesIn, assertInStore } from './archives.js';
import { headsIn, keptHead, type KeptHead } from './headFile.js';

const WHERE = operation<{
  readonly viewer: { readonly workspace: { readonly id: string }; readonly project: { readonly id: string } | null };
}>('query AuditWorkspace { viewer { workspace { id } project { id } } }');

interface VerifyOptions extends AskingOptions {
  /** A head, or the path of a file that ends with one. */
  readonly head?: string;
  /** A file of heads, as the server writes it. */
  readonly heads?: string;
  /** Files that `audit archive` wrote. */
  readonly archive?: readonly string[];
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
      'an entry that has to be there, noted earlier; or a file that ends with it, as verify or verify --json printed it',
    )
    .option(
      '--heads <file>',
      'a file that the server wrote (AUDIT_HEADS_FILE): each head of the workspace in it has to be there',
    )
    .option('--archive <files...>', 'all files that audit archive wrote of the log: they are checked as its beginning');
  return asking(command).action(async (options: VerifyOptions) => {
    const kept = options.head === undefined ? null : await keptHead(options.head);
    const heads = options.heads === undefined ? [] : await headsIn(options.heads);
    await talk(options, async ({ ask, show, terminal }) => {
      const { workspace, project } = (await ask(WHERE)).viewer;
      if (project !== null) throw boundToProject();
      // Loaded only here: other commands need no hashes.
      const { verifyAudit } = await import('../../../audit/verify.js');
      const chain = chainOf({ ask }, (done, of) => terminal.progress(`${done} of ${of} entries`));
      const copied = options.heads === undefined ? [] : ownIn(heads, options.heads, workspace.id);
      assertOwn(kept, workspace.id);
      const { SeenHeads } = await import('./seenHeads.js');
      const seen = new SeenHeads(options.url ?? readCommandLineSettings().url, workspace.id, (text) =>
        terminal.note(text),
      );
      const before = seen.read();
      const known = [kept, before].filter((head) => head != null);
      const noted = [...known, ...copied];
      const archived = await chain.base();
      const archives = options.archive && (await archivesIn(options.archive, workspace.id, noted));
      if (archives === undefined) assertInStore({ kept, before, copied }, archived);
      const end = archives?.at(-1)?.head;
      const cut = end === undefined ? null : afterArchives(end, archived);
      const verdict = cut ?? (await verifyAudit(chain, workspace.id, end === undefined ? noted : [...noted, end]));
      if (archives !== undefined) terminal.note(`Checked entries 1 to ${end?.seq} in ${archives.length} archives.`);
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

const HEAD = operation<{ readonly auditHead: (AuditHead & { readonly archived: AuditHead | null }) | null }>(
  'query AuditHead { auditHead { seq hash archived { seq hash } } }',
);

/** The chain as `verifyAudit` reads it, over the API, with the head that the server keeps apart from it. */
function chainOf(api: Pick<Api, 'ask'>, progress: (done: number, of: number) => void) {
  let end = 0;
  return {
    head: async (): Promise<AuditHead | null> => {
      const { auditHead } = await api.ask(HEAD);
      end = auditHead?.seq ?? 0;
      return auditHead && { seq: auditHead.seq, hash: auditHead.hash };
    },
    base: async (): Promise<AuditHead | null> => (await api.ask(HEAD)).auditHead?.archived ?? null,
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
      return `The log is whole: ${verdict.entries} entries${inArchives(verdict)}. Head: ${verdict.entries}:${verdict.head}`;
    case 'missing':
      return `The log is broken: entry ${verdict.seq} is missing.`;
    case 'headless':
      return `The log may be cut off: it has ${verdict.entries} entries, and the head that the server keeps is missing.`;
    case 'altered':
      return `The log is broken: entry ${verdict.seq} is not what was written.`;
  }
}

function inArchives({ archived }: { readonly archived?: number }): string {
  return archived === undefined ? '' : `, ${archived} of them archived`;
}

/** @throws Failure where the file holds no head of the workspace */
function ownIn(heads: readonly WorkspaceHead[], path: string, workspaceId: string): readonly WorkspaceHead[] {
  const own = heads.filter((head) => head.workspaceId === workspaceId);
  if (own.length > 0) return own;
  throw usage(`--heads: ${path} has no head of the workspace ${workspaceId}, which the key belongs to.`);
}

/** @throws Failure where the head is of another workspace's log */
function assertOwn(kept: KeptHead | null, workspaceId: string): void {
  if (kept === null || kept.workspaceId === null || kept.workspaceId === workspaceId) return;
  throw usage(
    `--head is of the workspace ${kept.workspaceId}, and the key belongs to ${workspaceId}. Use a key of that workspace.`,
  );
}

function boundToProject(): Failure {
  return new Failure(
    EXIT.forbidden,
    'FORBIDDEN',
    'The key is bound to a project and reads that part of the log alone. Take an admin key of the workspace itself.',
  );
}
