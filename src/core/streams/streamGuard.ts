import { unauthenticated } from '../auth/authenticator.js';
import { readableSource, type ForeignSource } from '../auth/headerFields.js';
import { locateCredential } from '../auth/locate.js';
import type { AuthenticatedPrincipal, LatchkeyContext } from '../auth/principal.js';
import type { Standing } from '../auth/standing.js';
import type { Change } from '../keys/changeFeed.js';
import type { AnswerLimits } from '../guard/answer/answerLimits.js';
import type { Authorizer, DecisionLog } from '../guard/authorize.js';
import type { Limits } from '../limits/limits.js';
import { GuardedSubscriptions, type Admitted, type Failed } from './guardedSubscriptions.js';
import { OpenStreams, type Place } from './openStreams.js';
import { ResultStream } from './resultStream.js';
import { Stream } from './stream.js';
import type { Reliant, WatchedCredential } from './watchedCredential.js';
import type { WaitingBytes } from './waitingBytes.js';

/** The maximum number of open streams and connections in a process. */
const MAX_STREAMS = 10_000;

interface StreamGuardOptions {
  readonly authorizer: Authorizer;
  readonly limits: Limits;
  readonly log: DecisionLog;
  readonly answer: AnswerLimits;
  /** Authenticates the credential of an open stream again. Counts no request. */
  readonly standing: (source: ForeignSource) => Standing | Promise<Standing>;
  /** Logs an error that is hidden from the caller, or the cause of a refusal. */
  readonly report: (error: unknown, context: LatchkeyContext) => void;
  readonly now: () => number;
}

/** A watched credential, which must be released. */
interface Watched {
  readonly credential: WatchedCredential;
  readonly release: () => void;
}

/**
 * Guards subscriptions and connections on a GraphQL server of any kind, for adapters. Each event is counted and checked
 * like a request. A stream ends if its key is revoked, expires or loses a scope that it needs.
 */
export class StreamGuard {
  /** Limits the bytes that wait for slow readers in this process. */
  readonly bytes: WaitingBytes;
  readonly #options: StreamGuardOptions;
  readonly #streams: OpenStreams;
  readonly #subscriptions: GuardedSubscriptions<object>;

  constructor(options: StreamGuardOptions) {
    this.#options = options;
    const { authorizer, limits, log, answer, report, now } = options;
    const streams = new OpenStreams({ tiers: limits.tiers, max: MAX_STREAMS, now });
    this.#streams = streams;
    this.bytes = streams.bytes;
    this.#subscriptions = new GuardedSubscriptions({
      ...{ authorizer, limits, streams, log, answer, report },
      messageOf: (result) => result,
    });
  }

  /** The number of open streams and connections. */
  get size(): number {
    return this.#streams.size;
  }

  /**
   * Takes one of the places for streams that the tier of a key allows. Keep it as long as the stream or the connection
   * is open, or give it back.
   *
   * @throws Refusal UNAUTHENTICATED for an anonymous caller, who can't be counted; TOO_MANY_STREAMS; UNAVAILABLE
   */
  async take({ principal }: LatchkeyContext): Promise<Place> {
    if (principal.kind === 'anonymous') throw unauthenticated('missing');
    return this.#streams.take(principal);
  }

  /**
   * Watches the credential of a connection until the returned function is called.
   *
   * @param source the request that opened the connection
   * @param connection is ended when its credential is refused
   */
  watch(source: ForeignSource, principal: AuthenticatedPrincipal, connection: Reliant): () => void {
    return watchSource(this.#streams, { source, principal, standing: this.#options.standing }, connection);
  }

  /**
   * Runs a subscription that `authorize` has allowed.
   *
   * @param source the request, or the request that opened its connection
   * @param place ends with the stream. Without one, the stream is part of a connection that has a place
   * @param onEnd called once, when a subscription that was opened has ended
   * @returns the results, formatted for the caller; or errors if the source stream did not open
   * @throws Refusal UNAUTHENTICATED for an anonymous caller, or UNAVAILABLE
   */
  async subscribe<Context extends LatchkeyContext>(
    admitted: Admitted<Context>,
    source: ForeignSource,
    place?: Place,
    onEnd?: () => void,
  ): Promise<ResultStream | Failed> {
    const { context } = admitted;
    const { principal } = context;
    if (principal.kind === 'anonymous') throw unauthenticated('missing');
    const opened = await this.#subscriptions.open(admitted, onEnd);
    if ('errors' in opened) return opened;
    const { credential, release } = this.#watched(source, principal);
    const results = new ResultStream(principal.workspaceId, this.#streams.bytes);
    const stream = new Stream<object>({
      sink: results,
      credential,
      check: opened.check,
      tell: (error) => ({ errors: [this.#subscriptions.told(error, context)] }),
    });
    opened.subscription.join(stream);
    stream.onEnd(release);
    results.onReturn(() => stream.end());
    place?.keep(stream);
    void credential.settle();
    return results;
  }

  /** Checks the credentials that a change may concern. Call it after older records were removed from caches. */
  judge(change: Change | null): void {
    this.#streams.judge(change);
  }

  /** Ends all streams and connections. */
  close(): void {
    this.#streams.close();
  }

  #watched(source: ForeignSource, principal: AuthenticatedPrincipal): Watched {
    return watched(this.#streams, { source, principal, standing: this.#options.standing });
  }
}

/** The credential of a connection or a stream. */
interface WatchedSource extends Pick<StreamGuardOptions, 'standing'> {
  /** The request that opened it. */
  readonly source: ForeignSource;
  readonly principal: AuthenticatedPrincipal;
}

/**
 * Ends a stream or a connection when its credential is refused, until the returned function is called.
 *
 * @param reliant the stream or the connection
 */
export function watchSource(
  streams: Pick<OpenStreams, 'credentials'>,
  source: WatchedSource,
  reliant: Reliant,
): () => void {
  const { credential, release } = watched(streams, source);
  credential.add(reliant);
  void credential.settle();
  return () => {
    credential.remove(reliant);
    release();
  };
}

function watched(
  { credentials }: Pick<OpenStreams, 'credentials'>,
  { source, principal, standing }: WatchedSource,
): Watched {
  const readable = readableSource(source);
  const name = `${locateCredential(readable) ?? ''} ${readable.ip ?? ''}`;
  return credentials.watch(name, principal, () => standing(readable));
}
