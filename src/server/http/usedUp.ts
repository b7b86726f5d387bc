import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../../core/auth/principal.js';
import type { Assembly } from '../../assembly/assembly.js';
import { Refusal } from '../../core/errors/refusal.js';
import { wasAdmittedBefore } from './beforeRouting.js';
import { answerError } from './faults.js';
import { takeOneRequest } from './oneRequest.js';
import type { Outcome } from '../../core/guard/request/outcome.js';
import type { Verdicts } from '../../management/verdicts.js';

type Done = (error?: Error) => void;

/** Continues an authentication hook: refuses a key whose limits are used up before the body is read. */
export function refusingUsedUp(latchkey: Pick<Assembly, 'usedUp'>, request: FastifyRequest, done: Done): Done {
  return (error) => {
    if (error !== undefined) {
      done(error);
      return;
    }
    try {
      // Checked already, in this turn of the event loop.
      const refused = wasAdmittedBefore(request.raw) ? null : latchkey.usedUp(request.principal);
      done(refused?.toError());
    } catch (fault) {
      done(fault as Error);
    }
  };
}

/** Counts requests of keys that don't reach the plugin, because their body is not a GraphQL request. */
export class UnreadCounter {
  readonly #latchkey: Pick<Assembly, 'limiter' | 'resourceMetadata'>;
  readonly #verdicts: Verdicts;

  constructor(latchkey: Pick<Assembly, 'limiter' | 'resourceMetadata'>, verdicts: Verdicts) {
    this.#latchkey = latchkey;
    this.#verdicts = verdicts;
  }

  /**
   * Responds to an error of a route, and counts a body that could not be read. A key that has used up its limits gets
   * 429.
   */
  readonly answerFault = async (
    error: unknown,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> => {
    let fault = error;
    const { principal, body } = request;
    if (principal.kind !== 'anonymous' && body === undefined && !(error instanceof Refusal)) {
      await takeOneRequest(principal, this.#latchkey.limiter, this.#verdicts).catch(
        (refusal: unknown) => (fault = refusal),
      );
    }
    return answerError(fault, reply, this.#latchkey.resourceMetadata());
  };

  /**
   * Counts a request that Apollo Server refused before the plugin saw it, such as a batch.
   *
   * @throws Refusal RATE_LIMITED
   */
  readonly countUnseen = async (principal: Principal, { isJudged }: Pick<Outcome, 'isJudged'>): Promise<void> => {
    if (principal.kind === 'anonymous' || isJudged) return;
    await takeOneRequest(principal, this.#latchkey.limiter, this.#verdicts);
  };
}
