import type { ListSizeExtension } from '../../core/guard/ruleExtensions.js';
import { SettingsError } from '../../shared/settings/error.js';
import { FaultCollector } from '../../shared/settings/faultCollector.js';

/** The costs in a line of a policy. */
export interface PolicyCosts {
  /** As in `@cost(weight:)`; null if not set. */
  readonly weight: number | null;
  /** As in `@listSize`; null if not set. */
  readonly listSize: ListSizeExtension | null;
}

export const NO_COSTS: PolicyCosts = Object.freeze({ weight: null, listSize: null });

/** The keys of `list_size`, by argument of `@listSize`. */
const ARGUMENTS = {
  assumed_size: 'assumedSize',
  slicing_arguments: 'slicingArguments',
  sized_fields: 'sizedFields',
  require_one_slicing_argument: 'requireOneSlicingArgument',
} as const satisfies Record<string, keyof ListSizeExtension>;

const SIZES = `a number of entries, the argument that limits them, a list of such arguments, or a map with ${Object.keys(ARGUMENTS).join(', ')}`;

/**
 * Reads `cost` and `list_size` of a line. Their ranges are checked together with the costs of the schema.
 *
 * @param at the start of an error
 * @throws SettingsError
 */
export function readCosts(at: string, { cost, list_size: size }: Readonly<Record<string, unknown>>): PolicyCosts {
  const faults = new FaultCollector();
  const weight = faults.run(() => readWeight(at, cost)) ?? null;
  const listSize = size === undefined ? null : faults.run(() => readSize(at, size));
  faults.assertNone();
  return { weight, listSize: listSize ?? null };
}

function readWeight(at: string, cost: unknown): number | undefined {
  if (cost === undefined || typeof cost === 'number') return cost;
  throw new SettingsError(`${at}: cost is not a number. Write the weight, such as 2.5.`);
}

function readSize(at: string, size: unknown): ListSizeExtension {
  if (typeof size === 'number') return { assumedSize: size };
  if (typeof size === 'string') return { slicingArguments: [size] };
  if (Array.isArray(size) && size.length > 0) return { slicingArguments: size as string[] };
  if (typeof size !== 'object' || size === null || Array.isArray(size)) {
    throw new SettingsError(`${at}: list_size is not allowed. Allowed: ${SIZES}.`);
  }
  const entries = Object.entries(size as Readonly<Record<string, unknown>>).map(([name, value]) => {
    const argument = Object.hasOwn(ARGUMENTS, name) ? ARGUMENTS[name as keyof typeof ARGUMENTS] : null;
    if (argument === null) throw new SettingsError(`${at}: list_size has the unknown key ${name}. Allowed: ${SIZES}.`);
    return [argument, value] as const;
  });
  return Object.fromEntries(entries);
}
