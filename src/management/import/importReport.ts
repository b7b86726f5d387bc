import { formatMoment } from '../../shared/dates/moments.js';
import type { LeftOut, Plan, Problem } from './plan.js';

/** The maximum number of listed problems. */
const SHOWN = 20;

/** The result of an import or a dry run. It contains no secret. */
export interface Report {
  readonly dryRun: boolean;
  readonly rows: number;
  /** The number of created keys. In a dry run, the keys that would be created. */
  readonly imported: number;
  /** The number of keys that an earlier import created. */
  readonly present: number;
  readonly expired: number;
  /** The number of disabled or revoked keys. */
  readonly disabled: number;
  /** The number of keys that an earlier import created, and that ended and were removed. */
  readonly removed: number;
  /** All keys that are left out. `at`: when the key ended, in RFC 3339; null if unknown. */
  readonly leftOut: readonly (Omit<LeftOut, 'at'> & { readonly at: string | null })[];
  /** The number of all problems. */
  readonly problemCount: number;
  /** The first {@link SHOWN} problems. */
  readonly problems: readonly Problem[];
  /** Numbers of keys by scope that the mapping does not contain. */
  readonly unknownScopes: Readonly<Record<string, number>>;
}

/** Returns the report of an import. @param done what was written; undefined for a dry run */
export function reportOf(
  plan: Plan,
  done?: { readonly imported: number; readonly present: number; readonly problems: readonly Problem[] },
): Report {
  const countOf = (wanted: LeftOut['reason']): number => plan.leftOut.filter(({ reason }) => reason === wanted).length;
  const problems = [...plan.problems, ...(done?.problems ?? [])];
  return {
    dryRun: done === undefined,
    rows: plan.rows,
    imported: done?.imported ?? plan.keys.length,
    present: plan.present + (done?.present ?? 0),
    expired: countOf('expired'),
    disabled: countOf('disabled') + countOf('revoked'),
    removed: countOf('removed'),
    leftOut: plan.leftOut.map(({ at, ...key }) => ({ ...key, at: at === null ? null : formatMoment(at) })),
    problemCount: problems.length,
    problems: problems.slice(0, SHOWN),
    unknownScopes: Object.fromEntries(plan.unknownScopes),
  };
}

/** Formats a report as text. */
export function inWords(report: Report): string {
  const { dryRun, rows, imported, present, expired, disabled, removed, problemCount, problems } = report;
  const lines = [
    `${counted(rows, 'row')} read.`,
    `${counted(imported, 'key')} ${dryRun ? 'would be imported' : 'imported'}.`,
    ...(present > 0 ? [`${counted(present, 'key')} already imported.`] : []),
    ...(expired > 0 ? [`${counted(expired, 'key')} skipped: expired.`] : []),
    ...(disabled > 0 ? [`${counted(disabled, 'key')} skipped: disabled or revoked.`] : []),
    ...(removed > 0 ? [`${counted(removed, 'key')} skipped: ended and removed (KEEP_ENDED_KEYS).`] : []),
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
    'The mapping does not contain these scopes. Add them, with their scopes in Latchkey:',
    'scopes:',
    ...names.slice(0, SHOWN).map(([name, keys]) => `  ${JSON.stringify(name)}: [] # ${counted(keys, 'key')}`),
  ];
}

function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
