import type { Plan, Problem } from './plan.js';

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
  readonly disabled: number;
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
  const problems = [...plan.problems, ...(done?.problems ?? [])];
  return {
    dryRun: done === undefined,
    rows: plan.rows,
    imported: done?.imported ?? plan.keys.length,
    present: plan.present + (done?.present ?? 0),
    expired: plan.expired,
    disabled: plan.disabled,
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
    ...(problemCount > 0 ? [`${counted(problemCount, 'problem')}:`] : []),
    ...problems.map(({ line, problem }) => `  ${line === null ? '' : `line ${line}: `}${problem}`),
    ...(problemCount > problems.length ? [`  and ${problemCount - problems.length} more.`] : []),
    ...unknown(report),
  ];
  return lines.join('\n');
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
