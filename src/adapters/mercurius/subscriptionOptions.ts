import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { LatchkeyContext } from '../../core/auth/principal.js';
import { checkOptions } from '../../core/util/checkOptions.js';
import { integer, withMethods } from '../../core/util/optionSchemas.js';
import { connectionShape, type ConnectionOptions } from '../graphqlWs/latchkeyWs.js';

/**
 * The option `subscription` of `latchkeyMercurius`. All are optional. Clients connect to the path of Mercurius by graphql-transport-ws.
 *
 * @example
 * ```ts
 * import type { MercuriusSubscriptions } from 'latchkey/mercurius';
 *
 * export const subscription: MercuriusSubscriptions = { maxOperations: 20, keepAlive: 30_000 };
 * ```
 */
export interface MercuriusSubscriptions extends Omit<ConnectionOptions, 'context'> {
  /** Returns more of the context of an operation, which also has `app`, `pubsub` and `reply.request`, as in Mercurius. */
  readonly context?: (request: FastifyRequest, latchkey: LatchkeyContext) => object | Promise<object>;
  /** The emitter of the `pubsub` in the context, such as mqemitter-redis. Default: one in this process. */
  readonly emitter?: object;
  /** Replaces Mercurius's publisher, with its methods `subscribe` and `publish`. */
  readonly pubsub?: object;
  /** The interval of pings in ms; 0 if none. A connection that doesn't answer one is closed. Default: 12,000. */
  readonly keepAlive?: number;
}

const EMITTER = 'an emitter with on, removeListener and emit';

const subscriptionSchema = z.strictObject(
  {
    ...connectionShape,
    emitter: withMethods<object>(['on', 'removeListener', 'emit'], EMITTER).optional(),
    pubsub: withMethods<object>(['subscribe', 'publish'], 'an object with subscribe and publish').optional(),
    keepAlive: integer(0, 86_400_000).optional(),
  } satisfies Record<keyof MercuriusSubscriptions, z.ZodType>,
  'true, false, or an object with options',
);

/**
 * Checks the option.
 *
 * @returns null without subscriptions
 * @throws TypeError
 */
export function checkSubscriptions(given: unknown): MercuriusSubscriptions | null {
  if (given === undefined || given === false) return null;
  if (given === true) return {};
  checkOptions('latchkeyMercurius: subscription', subscriptionSchema, given);
  return given;
}
