import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkspaceHead } from './headLine.js';

/** How long a receiver may take to answer, in ms. */
const TIMEOUT = 10_000;
/** The maximum number of heads in one request. */
const BATCH = 500;
/**
 * The delays before the second and the third attempt, in ms. Heads that fail three times are sent again a minute later.
 */
const WAITS: readonly number[] = [1_000, 5_000];

interface WebhookOptions {
  readonly url: string;
  /** Signs each request. */
  readonly secret: string;
}

/** Posts heads to the operator's receiver. Each request is signed, so that the receiver can verify its origin. */
export class HeadsWebhook {
  readonly #url: string;
  readonly #secret: string;
  readonly #waits: readonly number[];
  /** The place of the newest head that the receiver acknowledged, by workspace. */
  readonly #sent = new Map<string, number>();

  constructor({ url, secret }: WebhookOptions, waits: readonly number[] = WAITS) {
    this.#url = url;
    this.#secret = secret;
    this.#waits = waits;
  }

  /** Returns whether the receiver doesn't have the head yet. */
  lacks({ workspaceId, seq }: WorkspaceHead): boolean {
    return (this.#sent.get(workspaceId) ?? 0) < seq;
  }

  /**
   * Sends heads, several hundred in each request, and stops at the first request that fails finally.
   * @throws Error with the reason, without the address and the response
   */
  async send(heads: readonly WorkspaceHead[], signal: AbortSignal): Promise<void> {
    for (let from = 0; from < heads.length; from += BATCH) {
      const batch = heads.slice(from, from + BATCH);
      await this.#post(JSON.stringify({ heads: batch }), signal);
      for (const { workspaceId, seq } of batch) this.#sent.set(workspaceId, seq);
    }
  }

  async #post(body: string, signal: AbortSignal): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      const fault = await this.#attempt(body, signal);
      if (fault === null) return;
      const wait = this.#waits[tries];
      if (wait === undefined || signal.aborted) throw new Error(fault);
      await sleep(wait, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** @returns the problem; null if there was none */
  async #attempt(body: string, signal: AbortSignal): Promise<string | null> {
    try {
      const answer = await fetch(this.#url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'latchkey-signature': signatureOf(this.#secret, body, Date.now()),
        },
        body,
        // A redirect would lead to an address that nobody configured.
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]),
      });
      await answer.body?.cancel();
      return answer.ok ? null : `the receiver answered ${answer.status}`;
    } catch (error) {
      const { name, cause } = error as Error;
      const { code } = (cause ?? {}) as NodeJS.ErrnoException;
      return name === 'TimeoutError' ? `no answer within ${TIMEOUT / 1_000} s` : `no answer (${code ?? name})`;
    }
  }
}

/**
 * Returns the header field `Latchkey-Signature`: `t=<seconds since the epoch>,v1=<HMAC-SHA-256 in hex>` over the time, a full
 * stop and the body. The time lets a receiver refuse a request that was recorded and sent again.
 */
function signatureOf(secret: string, body: string, at: number): string {
  const seconds = Math.floor(at / 1_000);
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}
