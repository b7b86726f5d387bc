import type { FastifyRequest } from 'fastify';
import type { Assembly } from '../../assembly/assembly.js';
import { locateCredential } from '../../core/auth/locate.js';
import type { AuthenticatedPrincipal, Principal } from '../../core/auth/principal.js';
import type { Refusal } from '../../core/errors/refusal.js';
import { streamCredential } from '../http/streamCredential.js';
import type { OpenStream, OpenStreams, Place } from '../../core/streams/openStreams.js';
import type { Reliant } from '../../core/streams/watchedCredential.js';

export interface StreamPermitOptions {
  readonly streams: OpenStreams;
  readonly latchkey: Pick<Assembly, 'standing'>;
  readonly request: FastifyRequest;
  readonly principal: AuthenticatedPrincipal;
  /** The place that was reserved before. */
  readonly place: Place;
  /** Whether it ends with an error when the server stops. If not, the stream has the time of other running requests. */
  readonly endsAtStop: boolean;
  /** Returns why a principal may not run the operation; null if it may. */
  readonly review: (principal: Principal) => Refusal | null;
  /** Ends the stream. */
  readonly end: (error: Error) => void;
}

/** Keeps a forwarded stream open as long as its key is valid and has the scopes, and counts it among the key's streams. */
export class StreamPermit implements Reliant, OpenStream {
  readonly #options: StreamPermitOptions;
  readonly #listeners: (() => void)[] = [];
  #hasEnded = false;

  constructor(options: StreamPermitOptions) {
    this.#options = options;
    const { streams, latchkey, request, principal, place, endsAtStop } = options;
    const source = streamCredential(request);
    const name = `${locateCredential(source) ?? ''} ${source.ip ?? ''}`;
    const { credential, release } = streams.credentials.watch(name, principal, () => latchkey.standing(source));
    credential.add(this);
    this.onEnd(() => credential.remove(this));
    this.onEnd(release);
    place.keep({
      beat: () => this.beat(),
      onEnd: (listener) => this.onEnd(listener),
      end: (error) => {
        if (endsAtStop) this.end(error);
      },
    });
    void credential.settle();
  }

  judged(principal: AuthenticatedPrincipal): void {
    const refusal = this.#options.review(principal);
    if (refusal !== null) throw refusal;
  }

  /** The upstream sends its own heartbeats. */
  beat(): void {
    return undefined;
  }

  /** @param error the reason; undefined if the stream has ended */
  end(error?: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    for (const listener of this.#listeners) listener();
    if (error !== undefined)
      this.#options.end(error instanceof Error ? error : new Error('The stream was ended.', { cause: error }));
  }

  onEnd(listener: () => void): void {
    this.#listeners.push(listener);
  }
}
