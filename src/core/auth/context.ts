import { Callbacks } from '../../shared/callbacks.js';
import type { Origin } from '../keys/actor.js';
import { containedObserver } from '../observer/containedObserver.js';
import { UNOBSERVED, type Observer } from '../observer/observer.js';
import { readAddress } from '../net/address.js';
import { optionError } from '../../shared/optionChecks.js';
import { withHttp } from '../errors/http.js';
import { Refusal, unavailable } from '../errors/refusal.js';
import type { LimitFields } from '../limits/limitFields.js';
import { writeLimitFields } from '../limits/limitHeaders.js';
import type { Authenticator, Judged } from './authenticator.js';
import { requestIn, type ContextSource } from './contextSource.js';
import { asksForCost, COST_FIELD } from './costField.js';
import { readableSource } from './headerFields.js';
import { locateCredential, type CredentialSource } from './locate.js';
import { failed, told } from './observed.js';
import type { Networks } from './networks.js';
import { ANONYMOUS, type AnonymousPrincipal, type LatchkeyContext, type Principal } from './principal.js';

export type ContextBuilder = (source: ContextSource) => Promise<LatchkeyContext>;

/**
 * Creates the function that builds a request's context: it finds the credential, verifies it and returns the principal.
 * Without a credential, the principal is anonymous. A request with an invalid credential is refused, even if it selects only
 * @public fields.
 *
 * @param resourceMetadata returns the address of the resource's metadata (RFC 9728), for challenges; null if none. Default: none
 * @param anonymous counts the requests of anonymous callers by network. Default: they are not counted
 * @throws Refusal with status and challenge for Apollo Server
 * @throws TypeError for header fields in a form that can't be read
 */
export function createContextBuilder(
  authenticator: Pick<Authenticator, 'authenticate'>,
  observer: Observer = UNOBSERVED,
  resourceMetadata: () => string | null = () => null,
  anonymous?: AnonymousCallers,
): ContextBuilder {
  if (typeof (authenticator as unknown as { authenticate?: unknown } | null)?.authenticate !== 'function') {
    throw optionError('createContextBuilder: authenticator', authenticator, 'an object with authenticate');
  }
  if (typeof (observer as Partial<Observer> | null)?.verified !== 'function') {
    throw optionError('createContextBuilder: observer', observer, 'an object with all methods of Observer');
  }
  if (typeof resourceMetadata !== 'function') {
    throw optionError('createContextBuilder: resourceMetadata', resourceMetadata, 'a function');
  }
  const callbacks = new Callbacks('createContextBuilder');
  const told = containedObserver(callbacks, observer);
  const metadata = () => callbacks.ask('resourceMetadata', resourceMetadata, ADDRESS_OR_NULL);
  const refused = async (error: unknown, principal: Principal | null): Promise<never> => {
    if (error instanceof Refusal) {
      const fields = principal === null ? null : await anonymous?.standing(principal);
      throw withLimits(withHttp(error, metadata()), fields ?? null);
    }
    // Apollo Server shows the message of any other error to the caller.
    throw withHttp(unavailable('The key could not be checked. Try again shortly.', 1, error));
  };
  const contextOf = (request: CredentialSource, principal: Principal): LatchkeyContext => ({
    principal,
    origin: originOf(request),
    counted: anonymous !== undefined && principal.kind === 'anonymous',
    reportsCost: asksForCost(request.headers[COST_FIELD]),
  });
  const arrive = (request: CredentialSource, principal: Principal): LatchkeyContext | Promise<LatchkeyContext> => {
    try {
      const arrived = anonymous?.arrived(principal);
      if (!(arrived instanceof Promise)) return contextOf(request, principal);
      return arrived.then(
        () => contextOf(request, principal),
        (error: unknown) => refused(error, principal),
      );
    } catch (error) {
      return refused(error, principal);
    }
  };
  const contextFor = (source: ContextSource): LatchkeyContext | Promise<LatchkeyContext> => {
    // Outside the try block: unreadable header fields are a bug in the server's code, so its developer must see this error.
    const request = readableSource(requestIn(source));
    try {
      const principal = principalOf(request, authenticator, told, anonymous?.networks);
      if (!(principal instanceof Promise)) return arrive(request, principal);
      return principal.then(
        (late) => arrive(request, late),
        (error: unknown) => refused(error, null),
      );
    } catch (error) {
      return refused(error, null);
    }
  };
  const builder: ContextBuilder = (source) => {
    try {
      const context = contextFor(source);
      return context instanceof Promise ? context : Promise.resolve(context);
    } catch (error) {
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- What was thrown stays as it is.
      return Promise.reject(error);
    }
  };
  withoutPromises.set(builder, contextFor);
  return builder;
}

/** Like {@link ContextBuilder}, but returns the context of a cached key without a promise, and may throw instead of reject. */
type DirectContext = (source: ContextSource) => LatchkeyContext | Promise<LatchkeyContext>;

const withoutPromises = new WeakMap<ContextBuilder, DirectContext>();

/** Returns the function that builds the same contexts without a promise, for servers that need none; otherwise the builder itself. */
export function directContext(builder: ContextBuilder): DirectContext {
  return withoutPromises.get(builder) ?? builder;
}

/** The results that an option `resourceMetadata` may have. */
export const ADDRESS_OR_NULL = {
  isValid: (value: unknown): value is string | null => value === null || typeof value === 'string',
  allowed: 'a string or null',
  otherwise: null,
};

/** Counts anonymous callers. */
interface AnonymousCallers {
  readonly networks: Networks;
  /**
   * Counts a request of an anonymous caller when it arrives, and refuses a key that has used up its limits.
   * @throws Refusal, or rejects with one
   */
  readonly arrived: (principal: Principal) => void | Promise<void>;
  /** Returns the limit fields of a caller whose request was refused; null if there are none. Costs nothing. */
  readonly standing: (principal: Principal) => Promise<LimitFields | null>;
}

/** Adds the limit fields to a refusal before the operation is known. No cache may show it to another caller. */
function withLimits(refusal: Refusal, fields: LimitFields | null): Refusal {
  if (fields === null) return refusal;
  const { headers } = (refusal.extensions as unknown as { http: { headers: Map<string, string> } }).http;
  writeLimitFields(fields, (name, value) => headers.set(name, value));
  headers.set('cache-control', 'private, no-store');
  return refusal;
}

/** Returns the client's address and user agent. */
export function originOf(source: CredentialSource): Origin {
  const userAgent = source.headers['user-agent'];
  return { address: addressOf(source), userAgent: typeof userAgent === 'string' ? userAgent : null };
}

/** Returns the client's address. Express passes on what a proxy wrote, possibly with a port. @returns null if it is unknown */
function addressOf({ ip, socket }: CredentialSource): string | null {
  const address = ip ?? socket?.remoteAddress;
  return address === undefined ? null : readAddress(address);
}

/** Verifies credentials. `Result` includes refusals if it returns them. */
interface Verifier<Result> {
  authenticate(credential: string, address: string | null): Result | Promise<Result>;
}

/**
 * Returns the principal of a request, or the refusal that the authenticator returned; not a promise if the key is cached.
 * @throws Refusal, or rejects with one
 */
export function principalOf<Result extends Judged>(
  source: CredentialSource,
  authenticator: Verifier<Result>,
  observer: Observer = UNOBSERVED,
  networks?: Networks,
): AnonymousPrincipal | Result | Promise<Result> {
  try {
    const credential = locateCredential(source);
    if (credential === null) return told(observer, networks?.principalAt(addressOf(source)) ?? ANONYMOUS);
    const found = authenticator.authenticate(credential, addressOf(source));
    if (!(found instanceof Promise)) return told(observer, found);
    return found.then(
      (late) => told(observer, late),
      (error: unknown) => failed(observer, error),
    );
  } catch (error) {
    return failed(observer, error);
  }
}
