import { Refusal, unavailable } from '../../errors/refusal.js';
import type { DecisionLog } from '../../guard/authorize.js';
import type { CostMode } from '../../guard/cost/costMode.js';
import { isPlatform } from '../../keys/actor.js';
import { limitsOf } from '../../limits/bounds.js';
import { unitsIn } from '../../limits/costUnits.js';
import type { Admission, Judged, Limits, Subject } from '../../limits/limits.js';
import { peekAll } from '../../limits/peekAll.js';
import { refusalOf } from '../../limits/refuse.js';
import { subjectOfKey } from '../../limits/subjects.js';
import { rowOf } from '../../limits/tiers.js';
import { verificationRefusal, verificationSubject } from '../../limits/verificationLimits.js';
import type { Meters } from '../../quotas/meters.js';
import { VERIFY_KEYS } from '../../scopes/endpointScopes.js';
import { grants, missingOf, requireScope } from '../../scopes/grammar.js';
import { StoreUnavailable } from '../../store/storeErrors.js';
import { unauthenticated, type Authenticator } from '../authenticator.js';
import type { Identified } from '../identified.js';
import { OutsideAddress } from '../outsideAddress.js';
import type { AuthenticatedPrincipal, Principal } from '../principal.js';
import type {
  Active,
  Asked,
  Inactive,
  InactiveReason,
  Left,
  Unchecked,
  Unknown,
  Verification,
} from './verification.js';

interface KeyVerifierOptions {
  readonly authenticator: Pick<Authenticator, 'identify'>;
  readonly limits: Limits;
  readonly meters: Pick<Meters, 'peek'>;
  readonly log: Pick<DecisionLog, 'admitted' | 'refused'>;
  /** With `enforce`, a cost also counts against limits in cost units. */
  readonly cost: CostMode;
}

const REQUIRED = requireScope(VERIFY_KEYS);

const UNKNOWN: Unknown = Object.freeze({ active: false, reason: null });

/**
 * Verifies tokens for other services, which received them from their callers.
 *
 * A caller sees the keys of its own workspace, or of its project if it is restricted to one. All other tokens look as if
 * they didn't exist. What a caller verifies is counted against its own key: each token in its verification windows, and
 * each wrong token as a failure, so that the holder of the scope can't guess tokens or cause many reads of the store.
 */
export class KeyVerifier {
  readonly #authenticator: KeyVerifierOptions['authenticator'];
  readonly #limits: Limits;
  readonly #meters: KeyVerifierOptions['meters'];
  readonly #log: KeyVerifierOptions['log'];
  readonly #cost: CostMode;

  constructor({ authenticator, limits, meters, log, cost }: KeyVerifierOptions) {
    this.#authenticator = authenticator;
    this.#limits = limits;
    this.#meters = meters;
    this.#log = log;
    this.#cost = cost;
  }

  /**
   * Returns a principal that may verify tokens.
   * @throws Refusal UNAUTHENTICATED or FORBIDDEN
   */
  callerOf(principal: Principal): AuthenticatedPrincipal {
    if (principal.kind === 'anonymous') throw unauthenticated('missing');
    if (!grants(principal.scopes, REQUIRED)) throw forbidden();
    return principal;
  }

  /**
   * Refuses a caller that may verify nothing now. Doesn't count anything.
   * @throws Refusal RATE_LIMITED, or rejects with one
   */
  async assertRoom(caller: AuthenticatedPrincipal): Promise<void> {
    const subject = verificationSubject(caller);
    const { rate, burst } = await this.#limits.peek(subject);
    if (rate.remaining > 0 && burst.remaining > 0) return;
    const full = rate.remaining > 0 ? burst : rate;
    const refusal = verificationRefusal(
      {
        outcome: 'refused',
        limits: rowOf(this.#limits.tiers, subject.tier),
        room: { rate, burst },
        window: full === rate ? 'rate' : 'burst',
        limit: full.limit,
        retryAfterMs: full.returnsInMs ?? 1,
      },
      1,
    );
    if (refusal !== null) throw this.#refused(caller, refusal);
  }

  /**
   * Takes the tokens of a request from the caller's verification windows: all, or none if they don't fit.
   * @throws Refusal RATE_LIMITED, or COST_EXCEEDS_BURST if they never fit
   */
  async take(caller: AuthenticatedPrincipal, tokens: number): Promise<Admission> {
    const admission = await this.#limits.admit(verificationSubject(caller), tokens);
    const refusal = verificationRefusal(admission, tokens);
    if (refusal !== null) throw this.#refused(caller, refusal);
    this.#log.admitted(caller, tokens, null);
    return admission;
  }

  /**
   * Verifies tokens, which {@link take} has counted. Costs are taken in the order of the tokens, each completely or not at
   * all. Doesn't reject: a token that can't be verified is `unchecked`.
   */
  async verify(caller: AuthenticatedPrincipal, asked: readonly Asked[]): Promise<Verification[]> {
    const found = await Promise.all(asked.map(({ token }) => this.#identify(caller, token)));
    const verifications: Verification[] = [];
    for (const [i, each] of asked.entries()) {
      const one = found[i] ?? UNKNOWN;
      verifications.push('principal' in one ? await this.#judged(one, each) : one);
    }
    return verifications;
  }

  /** Returns the key or principal of a token, if the caller may see it. */
  async #identify(caller: AuthenticatedPrincipal, token: string): Promise<Identified | Unknown | Unchecked> {
    try {
      const found = await this.#authenticator.identify(token, { name: caller.familyId });
      return sees(caller, found.principal) ? found : UNKNOWN;
    } catch (error) {
      if (error instanceof Refusal && error.details.code === 'UNAUTHENTICATED') return UNKNOWN;
      return unchecked(error);
    }
  }

  async #judged(found: Identified, asked: Asked): Promise<Active | Inactive | Unchecked> {
    try {
      return await this.#judge(found, asked);
    } catch (error) {
      return unchecked(error);
    }
  }

  async #judge(found: Identified, { scopes, cost, address }: Asked): Promise<Active | Inactive> {
    const { principal, key, addresses, expiresAt } = found;
    if (found.ended !== null) return inactive(principal, found.ended);
    if (addresses?.has(address) === false) {
      this.#refused(principal, new OutsideAddress(principal));
      return inactive(principal, 'address');
    }
    found.use(address);
    if (principal.trustedDocuments !== null) return inactive(principal, 'documents');
    const missing = missingOf(principal.scopes, scopes);
    if (missing.length > 0) {
      this.#refused(principal, lacking(missing));
      return inactive(principal, 'scope', { missing });
    }
    const subject = subjectOfKey(principal, this.#limits.tiers);
    if (cost === 0) {
      const judged = await peekAll(this.#limits, subject);
      return { active: true, principal, key, expiresAt, left: await this.#left(subject, judged) };
    }
    const units = unitsIn(limitsOf(subject, this.#limits.tiers), subject, this.#cost === 'enforce' ? cost : null);
    const admission = await this.#limits.admit(subject, cost, units);
    const left = await this.#left(subject, admission);
    const refusal = refusalOf(admission, cost, 'key', units);
    if (refusal === null) {
      this.#log.admitted(principal, cost, null);
      return { active: true, principal, key, expiresAt, left };
    }
    this.#refused(principal, refusal);
    const { details } = refusal;
    if (details.code === 'QUOTA_EXCEEDED')
      return inactive(principal, 'quota', { left, ...retryOf(details.retryAfter) });
    if (details.code !== 'RATE_LIMITED') return inactive(principal, 'cost', { left });
    return inactive(principal, 'limit', { left, retryAfter: details.retryAfter });
  }

  /** Returns the remaining units after an admission, which contains the quotas that it took from. */
  async #left({ meters = [] }: Subject, { room, otherRooms = [], quotas: taken = [] }: Judged): Promise<Left> {
    const known = new Map(taken.map((state) => [state.meter.id, state]));
    const others = meters.filter(({ id }) => !known.has(id));
    if (others.length > 0) {
      try {
        for (const state of await this.#meters.peek(others)) known.set(state.meter.id, state);
      } catch (error) {
        // A token that is known in memory is verified without the store. Its quotas are only reported.
        if (!(error instanceof StoreUnavailable)) throw error;
      }
    }
    return { room, otherRooms, quotas: meters.flatMap(({ id }) => known.get(id) ?? []) };
  }

  #refused(principal: AuthenticatedPrincipal, refusal: Refusal): Refusal {
    this.#log.refused(principal, refusal);
    return refusal;
  }
}

/** Returns whether a caller may know a credential. Only callers with `platform` can verify the operator's key. */
function sees(caller: AuthenticatedPrincipal, { kind, workspaceId, projectId }: AuthenticatedPrincipal): boolean {
  if (isPlatform(caller)) return true;
  if (kind === 'operator' || workspaceId !== caller.workspaceId) return false;
  return caller.projectId === null || projectId === caller.projectId;
}

function retryOf(retryAfter: number | undefined): { retryAfter?: number } {
  return retryAfter === undefined ? {} : { retryAfter };
}

function inactive(
  principal: AuthenticatedPrincipal,
  reason: InactiveReason,
  more: { missing?: readonly string[]; retryAfter?: number; left?: Left } = {},
): Inactive {
  const { missing = [], retryAfter = null, left = null } = more;
  return { active: false, reason, principal, missing, retryAfter, left };
}

function unchecked(error: unknown): Unchecked {
  const refusal =
    error instanceof Refusal ? error : unavailable('The token could not be verified. Try again in 1 s.', 1, error);
  return { active: false, reason: 'unchecked', refusal };
}

function forbidden(): Refusal {
  return new Refusal(
    `This key lacks ${VERIFY_KEYS}. Use a key that has it, or ask an administrator to add it with updateApiKey.`,
    { code: 'FORBIDDEN', missing: [VERIFY_KEYS], fields: [] },
  );
}

function lacking(missing: readonly string[]): Refusal {
  return new Refusal('The verified key lacks scopes.', { code: 'FORBIDDEN', missing, fields: [] });
}
