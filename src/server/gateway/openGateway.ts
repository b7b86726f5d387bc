import type { GraphQLSchema } from 'graphql';
import { FileFault, readTextFile } from '../../shared/files/wholeFile.js';
import { SettingsError } from '../../shared/settings/error.js';
import type { AnswerLimits } from '../../core/guard/answer/answerLimits.js';
import { readRules } from '../../core/guard/readRules.js';
import { groupedFaults, GuardError } from '../../core/guard/rules.js';
import type { Principal } from '../../core/auth/principal.js';
import type { Assembly } from '../../assembly/assembly.js';
import type { GatewaySettings } from '../settings/gatewaySettings.js';
import { DriftWatch, type DriftWatchOptions } from './driftWatch.js';
import { Gateway, type GatewayRules } from './gateway.js';
import { annotatedSchema, policedSchema, type GatewaySchema } from './gatewaySchema.js';
import { introspectUpstream, UpstreamFault } from './introspectUpstream.js';
import { readPolicy } from './gatewayPolicy.js';
import { Upstream, type UpstreamOutcome } from './upstream.js';

const MAX_SCHEMA_BYTES = 32 * 2 ** 20;

export interface OpenGatewayOptions {
  readonly latchkey: Assembly;
  /** The limits of a response. */
  readonly answer: AnswerLimits;
  readonly log: DriftWatchOptions['log'];
  readonly onAnswer: (outcome: UpstreamOutcome) => void;
}

/** Opens the gateway of the settings, and guards its schema. @param schema the result of {@link gatewaySchemaOf} */
export async function openGateway(
  settings: GatewaySettings,
  found: GatewaySchema,
  { latchkey, answer, log, onAnswer }: OpenGatewayOptions,
): Promise<OpenedGateway> {
  const sign = (principal: Principal): string => latchkey.principalTokens.sign(principal, settings.audience);
  const rulesOf = ({ schema, known, policy }: GatewaySchema): GatewayRules => {
    latchkey.guard(schema, { plugin: false });
    const watched = { known, policy, log, upstream: settings.upstream, interval: settings.checkInterval };
    return { schema, drift: new DriftWatch({ ...watched, ask: () => upstreamSchema(settings) }) };
  };
  const { upstream: url, timeout, connections, authorization } = settings;
  const rules = rulesOf(found);
  const upstream = await Upstream.open({ url, timeout, connections, authorization });
  const gateway = new Gateway({ rules, guard: latchkey.requests, upstream, settings, answer, sign, onAnswer });
  let current = found;
  const reread = async (): Promise<() => void> => {
    const next = await gatewaySchemaAgain(settings, current, log);
    return () => {
      gateway.replaceRules(rulesOf(next));
      current = next;
    };
  };
  return { gateway, reread };
}

export interface OpenedGateway {
  readonly gateway: Gateway;
  /**
   * Reads the schema and the policy again.
   *
   * @returns a function that uses them for operations from then on, or throws a GuardError and changes nothing
   * @throws SettingsError if they can't be used
   */
  readonly reread: () => Promise<() => void>;
}

/** Reads the schema and the policy again. An upstream that doesn't return its schema still has the previous one. */
async function gatewaySchemaAgain(
  settings: GatewaySettings,
  { sdl }: GatewaySchema,
  log: OpenGatewayOptions['log'],
): Promise<GatewaySchema> {
  try {
    return await gatewaySchemaOf(settings);
  } catch (error) {
    if (!(error instanceof UpstreamFault) || settings.policy === null) throw error;
    log.warn(
      { reason: error.message },
      'The upstream did not return its schema. The policy applies to the previous one.',
    );
    const again = policedSchema({ sdl, label: `The schema of ${settings.upstream}` }, readPolicy(settings.policy));
    checkRules(again.schema, settings);
    return again;
  }
}

/**
 * Checks the schema and the policy of the settings, as far as possible without the upstream.
 *
 * @throws SettingsError
 */
export async function checkGatewayFiles(settings: GatewaySettings): Promise<void> {
  try {
    await gatewaySchemaOf(settings);
  } catch (error) {
    if (!(error instanceof UpstreamFault)) throw error;
  }
}

/**
 * Returns the schema of the settings, from its file or from the upstream. Call it before a key is created, whose token would be
 * lost if the start failed.
 *
 * @throws SettingsError if the schema or the policy can't be used, or a root field is undecided
 */
export async function gatewaySchemaOf(settings: GatewaySettings): Promise<GatewaySchema> {
  const found = await unchecked(settings);
  checkRules(found.schema, settings);
  return found;
}

async function unchecked({ schema: path, policy, ...settings }: GatewaySettings): Promise<GatewaySchema> {
  if (policy === null) return annotatedSchema({ sdl: readSchema(path ?? ''), label: `The schema file ${path}` });
  const rules = readPolicy(policy);
  if (path !== null) return policedSchema({ sdl: readSchema(path), label: `The schema file ${path}` }, rules);
  return policedSchema({ sdl: await upstreamSchema(settings), label: `The schema of ${settings.upstream}` }, rules);
}

/** Asks the upstream for its schema, over a separate connection. @throws SettingsError */
export async function upstreamSchema({
  upstream: url,
  timeout,
  authorization,
}: Pick<GatewaySettings, 'upstream' | 'timeout' | 'authorization'>): Promise<string> {
  const upstream = await Upstream.open({ url, timeout, authorization, connections: 1 });
  try {
    return await introspectUpstream(upstream);
  } finally {
    await upstream.close();
  }
}

/** @throws SettingsError */
export function readSchema(path: string): string {
  try {
    return readTextFile(path, MAX_SCHEMA_BYTES);
  } catch (error) {
    if (!(error instanceof FileFault)) throw error;
    throw new SettingsError(`The schema file ${path} ${error.message}. ${error.remedy}`);
  }
}

/** A remedy that only the library has. */
const OF_LIBRARY = ' The option "actions" adds others.';

/** @throws SettingsError with all rules of the schema that can't be used */
export function checkRules(
  schema: GraphQLSchema,
  { policy, schema: path }: Pick<GatewaySettings, 'policy' | 'schema'>,
): void {
  try {
    readRules(schema);
  } catch (error) {
    if (!(error instanceof GuardError)) throw error;
    const file = policy ?? path ?? 'The schema';
    const faults = groupedFaults(error.faults).map((fault) => fault.replace(OF_LIBRARY, ''));
    throw new SettingsError(faults.map((fault) => `${file}: ${fault}`));
  }
}
