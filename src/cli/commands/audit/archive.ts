import type { Command } from 'commander';
import type { ArchiveResult } from '../../../management/audit/archive/archiveLog.js';
import { described } from '../../describe.js';
import { EXIT, Failure } from '../../exit.js';
import { json } from '../../commandOptions.js';
import { openTerminal } from '../../terminal.js';
import { jsonText } from '../../visibleText.js';

interface ArchiveOptions {
  readonly before: string;
  readonly to: string;
  readonly workspace: string;
  readonly json?: true;
}

/** Never over HTTP: someone who steals an admin key must not be able to remove the evidence. */
export function archiveCommand(): Command {
  const command = described({
    name: 'archive',
    description:
      'Move the oldest entries of an audit log to a file. ' +
      'The command writes the file, then reads and checks it, and only then removes the entries. A new entry in the log says where they are. ' +
      'If the command was interrupted, run it again with the same file. ' +
      'It uses the store in the settings (MONGODB_URI or DATA_DIR), also while a server is running.',
    example: 'latchkey audit archive --before 365d --to /var/backups/latchkey/audit-2026.jsonl.gz',
  })
    .requiredOption('--before <when>', 'only entries before this date, or this long ago, such as 365d')
    .requiredOption('--to <file>', 'a new file; compressed if its name ends with .gz')
    .option('--workspace <id>', 'workspace of the audit log', 'default');
  return json(command).action(async ({ before, to, workspace, json: asJson }: ArchiveOptions) => {
    const { runArchive } = await import('../../archive/runArchive.js');
    const terminal = openTerminal();
    const result = await runArchive({ before, path: to, workspaceId: workspace }, (entries) =>
      terminal.progress(`${entries} entries written`),
    );
    terminal.progressEnd();
    // First, because it throws if the entries are still in the store.
    const words = inWords(result, to);
    terminal.out(asJson === true ? jsonText(told(result, workspace, to)) : words);
  });
}

/** The result for programs. */
function told(result: ArchiveResult, workspace: string, file: string): object {
  if (result.outcome !== 'archived') return { workspace, outcome: result.outcome };
  const { first, last, resumed } = result;
  return { workspace, outcome: 'archived', file, first, last: last.seq, head: last.hash, resumed };
}

/** @throws Failure if the file was written or already existed, and the entries are still in the store */
function inWords(result: ArchiveResult, file: string): string {
  switch (result.outcome) {
    case 'archived': {
      const { first, last, resumed } = result;
      const head = `${last.seq}:${last.hash}`;
      const how = resumed ? 'The file already existed. ' : '';
      return `${how}Entries ${first} to ${last.seq} are in ${file}, and no longer in the store. Head: ${head}`;
    }
    case 'nothing':
      return result.oldest === null
        ? 'Nothing to archive: the log has no entries.'
        : `Nothing to archive: the oldest entry, ${result.oldest.seq}, is from ${new Date(result.oldest.at).toISOString()}.`;
    case 'taken': {
      const { after, head, workspaceId } = result.archive;
      throw refused(
        `--to: ${file} exists and contains entries ${after.seq + 1} to ${head.seq} of the workspace ${workspaceId}, which are not the oldest in the store. Give the name of a new file.`,
      );
    }
    case 'moved':
      throw refused(
        `Another run archived entries at the same time. Nothing was removed by this one. Delete ${file}, and run it again.`,
      );
  }
}

function refused(message: string): Failure {
  return new Failure(EXIT.failed, 'NOT_ARCHIVED', message);
}
