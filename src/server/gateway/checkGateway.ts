import type { GatewaySettings } from '../settings/gatewaySettings.js';
import { driftOf, missingIn, NO_DRIFT, type Drift } from './drift.js';
import { annotatedSchema, policedSchema, undecidedFields, type GatewaySchema } from './gatewaySchema.js';
import { schemaOf } from './initPolicy.js';
import { checkRules, readSchema, upstreamSchema } from './openGateway.js';
import { readPolicy, type Policy } from './gatewayPolicy.js';

type CheckedSettings = Pick<GatewaySettings, 'upstream' | 'schema' | 'policy' | 'timeout' | 'authorization'>;

/**
 * Compares the schema and the policy of a gateway with what the upstream has now.
 *
 * @throws SettingsError if a file is invalid, the gateway would not start with its rules, or the upstream is unreachable
 */
export async function checkGateway(settings: CheckedSettings): Promise<Drift> {
  const { schema: path, policy: policyPath } = settings;
  const policy = policyPath === null ? null : readPolicy(policyPath);
  const ours = path === null ? null : readSchema(path);
  const theirs = await upstreamSchema(settings);
  const drift = driftBetween(settings, { ours, theirs, policy });
  // The start also refuses what is undecided or gone.
  if (drift.undecided.length === 0 && drift.removed.length === 0) {
    const sdl = ours ?? theirs;
    checkRules(rulesOf({ sdl, label: labelOf(settings) }, policy).schema, settings);
  }
  return drift;
}

interface Compared {
  /** The schema file; null if there is none. */
  readonly ours: string | null;
  /** The schema of the upstream. */
  readonly theirs: string;
  readonly policy: Policy | null;
}

function driftBetween(settings: CheckedSettings, { ours, theirs, policy }: Compared): Drift {
  const current = schemaOf(theirs, settings.upstream);
  if (ours === null) {
    if (policy === null) return NO_DRIFT;
    return { ...NO_DRIFT, removed: missingIn(current, policy), undecided: undecidedFields(current, policy).sort() };
  }
  const known =
    policy === null
      ? annotatedSchema({ sdl: ours, label: labelOf(settings) }).known
      : schemaOf(ours, settings.schema ?? '');
  return driftOf(known, current, policy);
}

function rulesOf(source: { readonly sdl: string; readonly label: string }, policy: Policy | null): GatewaySchema {
  return policy === null ? annotatedSchema(source) : policedSchema(source, policy);
}

function labelOf({ schema: path, upstream }: CheckedSettings): string {
  return path === null ? `The schema of ${upstream}` : `The schema file ${path}`;
}
