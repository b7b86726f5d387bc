import type { GatewaySettings } from '../settings/gatewaySettings.js';
import { driftOf, missingIn, NO_DRIFT, type Drift } from './drift.js';
import { annotatedSchema, undecidedFields } from './gatewaySchema.js';
import { schemaOf } from './initPolicy.js';
import { readSchema, upstreamSchema } from './openGateway.js';
import { readPolicy } from './gatewayPolicy.js';

type CheckedSettings = Pick<GatewaySettings, 'upstream' | 'schema' | 'policy' | 'timeout' | 'authorization'>;

/**
 * Compares the schema and the policy of a gateway with what the upstream has now.
 *
 * @throws SettingsError if a file is invalid, or the upstream is unreachable
 */
export async function checkGateway(settings: CheckedSettings): Promise<Drift> {
  const { upstream, schema: path, policy: policyPath } = settings;
  const policy = policyPath === null ? null : readPolicy(policyPath);
  const ours = path === null ? null : readSchema(path);
  const current = schemaOf(await upstreamSchema(settings), upstream);
  if (ours === null) {
    if (policy === null) return NO_DRIFT;
    return { ...NO_DRIFT, removed: missingIn(current, policy), undecided: undecidedFields(current, policy).sort() };
  }
  const known =
    policy === null
      ? annotatedSchema({ sdl: ours, label: `The schema file ${path}` }).known
      : schemaOf(ours, path ?? '');
  return driftOf(known, current, policy);
}
