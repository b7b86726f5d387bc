import { formatMoment } from '../dates/moments.js';
import type { LeftOut, Plan, Problem } from './plan.js';

/** Problems that are told one by one. */
const SHOWN = 20;

/** What an import did, or would do. Nothing secret is in it. */
export interface Report {
  readonly dryRun: boolean;
  readonly rows: number;
  /** Keys that were made; of a dry run those that would be. */
  readonly imported: number;
  /** Rows that an earlier import took over. */
  readonly present: number;
  readonly expired: number;
  /** Disabled or revoked. */
  readonly disabled: number;
  /** The keys that are left out, all of them. `at`: since when, in RFC 3339; null where the row does not say. */
  readonly leftOut: readonly (Omit<LeftOut, 'at'> & { readonly at: string | null })[];
  /** All of them. */
  readonly problemCount: number;
  /** The first {@link SHOWN}. */
  readonly problems: readonly Problem[];
  /** By name, with how many keys have each. */
  readonly unknownScopes: Readonly<Record<string, number>>;
}

/** @param done what was written; without it nothing was */
export function reportOf(
  plan: Plan,
  done?: { readonly imported: number; readonly present: number; readonly problems: readonly Problem[] },
): Report {
  const expired = plan.leftOut.filter(({ reason }) => reason === 'expired').length;
  const problems = [...plan.problems, ...(done?.problems ?? [])];
  return {
    dryRun: done === undefined,
    rows: plan.rows,
    imported: done?.imported ?? plan.keys.length,
    present: plan.present + (done?.present ?? 0),
    expired,
    disabled: plan.leftOut.length - expired,
    leftOut: plan.leftOut.map(({ at, ...key }) => ({ ...key, at: at === null ? null : formatMoment(at) })),
    problemCount: problems.length,
    problems: problems.slice(0, SHOWN),
    unknownScopes: Object.fromEntries(plan.unknownScopes),
  };
}

/** For people. */
export function inWords(report: Report): string {
  const { dryRun, rows, imported, present, expired, disabled, problemCount, problems } = report;
  const lines = [
    `${counted(rows, 'row')} read.`,
    `${counted(imported, 'key')} ${dryRun ? 'would be imported' : 'imported'}.`,
    ...(present > 0 ? [`${counted(present, 'key')} there already.`] : []),
    ...(expired > 0 ? [`${counted(expired, 'key')} left out: expired.`] : []),
    ...(disabled > 0 ? [`${counted(disabled, 'key')} left out: disabled or revoked.`] : []),
    ...leftOutLines(report),
    ...(problemCount > 0 ? [`${counted(problemCount, 'problem')}:`] : []),
    ...problems.map(({ line, problem }) => `  ${line === null ? '' : `line ${line}: `}${problem}`),
    ...(problemCount > problems.length ? [`  and ${problemCount - problems.length} more.`] : []),
    ...unknown(report),
  ];
  return lines.join('\n');
}

function leftOutLines({ leftOut }: Report): string[] {
  const lines = leftOut
    .slice(0, SHOWN)
    .map(
      ({ line, name, reason, at }) => `  line ${line}: ${JSON.stringify(name)} ${reason}${at === null ? '' : ` ${at}`}`,
    );
  return leftOut.length > SHOWN ? [...lines, `  and ${leftOut.length - SHOWN} more: --json lists all of them.`] : lines;
}

function unknown({ unknownScopes }: Report): string[] {
  const names = Object.entries(unknownScopes).sort(([, a], [, b]) => b - a);
  if (names.length === 0) return [];
  return [
    'Scopes that the mapping does not name, for it to say what they are here:',
    'scopes:',
    ...names.slice(0, SHOWN).map(([name, keys]) => `  ${JSON.stringify(name)}: [] # ${counted(keys, 'key')}`),
  ];
}

function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
