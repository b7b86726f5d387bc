import type { Command } from 'commander';
import { setTimeout as delay } from 'node:timers/promises';
import { AUDIT_ACTIONS } from '../../../core/store/audit.js';
import { described } from '../../describe.js';
import { asking, given, items, nameOf, whole, type AskingOptions } from '../../commandOptions.js';
import { InvalidArgumentError, Option } from 'commander';
import { lookupIdIn } from '../../keyName.js';
import type { Column } from '../../table.js';
import { named } from '../../named.js';
import { talk, type Talk } from '../../talk.js';
import { jsonText, visible } from '../../visibleText.js';
import { keyIdOf } from '../keys/keyId.js';
import { following, newest, type EntryFilter, type ToldEntry } from './listedEntries.js';

const ACTIONS = AUDIT_ACTIONS.map(nameOf);

interface TailOptions extends AskingOptions {
  readonly lines: number;
  readonly follow?: true;
  readonly interval: number;
  readonly actions?: readonly string[];
  readonly subject?: string;
  readonly actor?: string;
}

const COLUMNS: readonly Column<ToldEntry>[] = [
  { title: 'SEQ', text: ({ seq }) => String(seq), right: true },
  { title: 'AT (UTC)', text: ({ at }) => at.slice(0, 19).replace('T', ' ') },
  { title: 'ACTION', text: ({ action }) => action },
  { title: 'SUBJECT', text: subjectOf },
  { title: 'ACTOR', text: actorOf },
  { title: 'ADDRESS', text: ({ address }) => address ?? '-' },
];

export function tailCommand(): Command {
  const command = described({
    name: 'tail',
    description:
      'Print the newest entries of the audit log; with --follow, also new ones. ' +
      'With --follow and --json each entry is a document of one line.',
    example: 'latchkey audit tail --follow --actions key-created,key-revoked',
  })
    .option('-n, --lines <count>', 'number of entries', whole(0, 10_000), 20)
    .option('-f, --follow', 'continue with new entries, until Ctrl-C')
    .option('--interval <seconds>', 'seconds between requests', whole(1, 3_600), 5)
    .addOption(
      new Option('--actions <actions>', 'only these actions, separated by commas')
        .choices(ACTIONS)
        .argParser(actionsIn),
    )
    .option('--subject <id>', 'ID of the changed key, user or project, or lookup ID of the key')
    .option('--actor <id>', 'ID of the credential that made the change, or lookup ID of the key');
  return asking(command).action(async (options: TailOptions) => {
    await talk(options, async (told) => {
      const filter = await filterOf(told, options);
      if (options.follow === true) await follow(told, options, filter);
      else {
        const entries = await newest(told, options.lines, filter);
        told.show({ entries }, () =>
          entries.length === 0 ? 'No entries.' : told.table(told.terminal, COLUMNS, entries),
        );
      }
    });
  });
}

/** Prints each entry once, in order, with at most one page in memory. */
async function follow(told: Talk, options: TailOptions, filter: EntryFilter): Promise<never> {
  const print = (entry: ToldEntry): void =>
    told.terminal.out(options.json === true ? jsonText(entry, 0) : lineOf(entry));
  // Read before the entries, so that no entry written in between is missed. Entries are printed once.
  let last = await lastPlace(told);
  for (const entry of await newest(told, options.lines, filter)) if (entry.seq <= last) print(entry);
  for (;;) {
    const end = await lastPlace(told);
    while (last < end) {
      const { entries, until } = await following(told, last, filter, true);
      const reached = Math.min(until, end);
      for (const entry of entries) if (entry.seq <= reached) print(entry);
      last = reached;
    }
    await delay(options.interval * 1_000);
  }
}

async function lastPlace(told: Talk): Promise<number> {
  return (await newest(told, 1, {}))[0]?.seq ?? 0;
}

function lineOf(entry: ToldEntry): string {
  const { seq, at, action, address } = entry;
  return [seq, at.slice(0, 19).replace('T', ' '), action, subjectOf(entry), actorOf(entry), address ?? '-']
    .map((cell) => visible(String(cell)))
    .join('  ');
}

function subjectOf({ subject, subjectName }: ToldEntry): string {
  return named(subjectName ?? null, subject);
}

function actorOf({ actorKind, actor, actorName }: ToldEntry): string {
  return actor === null ? actorKind.toLowerCase() : named(actorName ?? null, actor);
}

async function filterOf({ ask }: Talk, { actions, subject, actor }: TailOptions): Promise<EntryFilter> {
  return given({ actions, subject: await idOf(ask, subject), actor: await idOf(ask, actor) });
}

/** Returns the ID of a key for its lookup ID, and any other ID unchanged. */
async function idOf(ask: Talk['ask'], given: string | undefined): Promise<string | undefined> {
  const lookupId = given === undefined ? null : lookupIdIn(given);
  return lookupId === null ? given : keyIdOf(ask, { lookupId });
}

function actionsIn(text: string, before?: readonly string[]): string[] {
  const names = items(text).map(nameOf);
  const unknown = names.find((name) => !ACTIONS.includes(name));
  if (unknown !== undefined) throw new InvalidArgumentError(`Allowed: ${ACTIONS.join(', ')}.`);
  return [...(before ?? []), ...names.map((name) => name.toUpperCase().replaceAll('-', '_'))];
}
