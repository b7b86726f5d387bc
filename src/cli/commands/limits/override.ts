import { operation } from '../../typedOperation.js';
import { shortMoment } from '../../times.js';

export interface Override {
  readonly type: string;
  readonly id: string;
  readonly workspaceId: string;
  readonly rate: number | null;
  readonly burst: number | null;
  readonly until: string | null;
  readonly active: boolean;
  readonly reason: string | null;
  readonly setBy: string | null;
  readonly setAt: string;
}

export const OVERRIDE = `fragment Override on LimitOverride {
  type id workspaceId rate burst until active reason setBy setAt
}`;

/** The types of subjects, as the API has them. */
export const SUBJECTS: readonly string[] = ['API_KEY', 'USER', 'EXTERNAL_ID', 'PROJECT', 'WORKSPACE'];

/** Sets or removes an override. */
export const SET_LIMITS = operation<
  { readonly setLimits: { readonly override: Override | null } },
  { readonly input: object }
>('mutation SetLimits($input: SetLimitsInput!) { setLimits(input: $input) { override { ...Override } } }', OVERRIDE);

export function linesOf({ type, id, rate, burst, until, active, reason }: Override): [string, string | null][] {
  return [
    ['Subject', `${type} ${id}`],
    ['Per minute', limitOf(rate)],
    ['Per second', limitOf(burst)],
    ['Until', endOf({ until, active })],
    ['Reason', reason],
  ];
}

/** Returns a limit as text. @param limit null: that of the tier */
export function limitOf(limit: number | null): string {
  return limit === null ? 'as in the tier' : String(limit);
}

export function endOf({ until, active }: Pick<Override, 'until' | 'active'>): string {
  if (until === null) return 'never ends';
  return active ? shortMoment(until) : `${shortMoment(until)} (ended)`;
}
