import type { IncomingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import type { OperationCosts } from '../../core/guard/request/costReport.js';
import type { PendingCost } from '../../core/guard/request/pendingCost.js';
import { parseExact, writeExact } from './exactJson.js';
import { asJsonText } from './jsonText.js';

/** The maximum size of a response that is measured, in bytes. Parsing a larger one would delay other requests. */
const MAX_MEASURED = 2 * 2 ** 20;

/**
 * The maximum size of all responses that are kept at the same time, in bytes. Callers who read slowly keep theirs for as long as the
 * timeout allows, on as many connections as there are to the upstream.
 */
const MAX_KEPT = 64 * 2 ** 20;

/** The size of the responses that are kept. */
let kept = 0;

/** Returns the size of the responses that are kept to be measured, in bytes. */
export function keptBytes(): number {
  return kept;
}

type Decode = (body: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;

const DECODERS: ReadonlyMap<string, Decode> = new Map([
  ['gzip', promisify(gunzip) as Decode],
  ['br', promisify(brotliDecompress) as Decode],
  ['deflate', promisify(inflate) as Decode],
]);

/** Encodings that change nothing. GraphQL Yoga sends `none`. */
const PLAIN: ReadonlySet<string> = new Set(['identity', 'none']);

/**
 * Settles the cost of an operation by the text of its response. For a response that is too large, has errors, or is incomplete, the
 * estimate counts.
 */
export function settleBy(cost: PendingCost, text: string): OperationCosts {
  return cost.settle(text.length > MAX_MEASURED ? null : wholeData(asJsonText(text)));
}

/** Returns the data of a complete result without errors; null if it is something else. */
function wholeData(value: unknown): Record<string, unknown> | null {
  if (!isRecord(value)) return null;
  const { data, errors, hasNext } = value;
  const hasErrors = errors != null && !(Array.isArray(errors) && errors.length === 0);
  return !hasErrors && hasNext !== true && isRecord(data) ? data : null;
}

/** Adds the cost to the extensions of a result, and leaves the rest as it is. A text that is not a result stays as it is. */
export function withCost(text: string, cost: OperationCosts): string {
  const result = isRecord(asJsonText(text)) ? (parseExact(text) as Record<string, unknown>) : null;
  if (result === null || !('data' in result || 'errors' in result)) return text;
  const { extensions } = result;
  return writeExact({ ...result, extensions: { ...(isRecord(extensions) && extensions), cost } });
}

/**
 * Reads a response while it is passed on, to settle the cost of its operation at the end. If other responses already take the
 * memory, the estimate counts.
 */
export class CostTap {
  readonly #cost: PendingCost;
  readonly #encoding: string | null;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #kept = 0;
  #isDropped = false;

  /** @param headers of a response that is not a stream */
  constructor(cost: PendingCost, headers: IncomingHttpHeaders) {
    this.#cost = cost;
    const encoding = headers['content-encoding']?.trim().toLowerCase();
    this.#encoding = encoding === undefined || PLAIN.has(encoding) ? null : encoding;
    if (!/json/i.test(headers['content-type'] ?? '')) this.#isDropped = true;
  }

  data(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > MAX_MEASURED || kept + chunk.length > MAX_KEPT) this.#drop();
    if (this.#isDropped) return;
    this.#chunks.push(chunk);
    this.#kept += chunk.length;
    kept += chunk.length;
  }

  /** @param isComplete whether the whole response has arrived */
  end(isComplete: boolean): void {
    if (this.#isDropped || !isComplete) {
      this.#drop();
      this.#cost.settle(null);
      return;
    }
    const body = Buffer.concat(this.#chunks);
    this.#chunks = [];
    if (this.#encoding === null) {
      this.#drop();
      settleBy(this.#cost, body.toString());
      return;
    }
    this.#isDropped = true;
    // The body counts until it is decoded, because many can wait for a thread.
    void this.#settleEncoded(body, DECODERS.get(this.#encoding)).finally(() => this.#drop());
  }

  async #settleEncoded(body: Buffer, decode: Decode | undefined): Promise<void> {
    let text: string | null = null;
    try {
      text = decode === undefined ? null : (await decode(body, { maxOutputLength: MAX_MEASURED })).toString();
    } catch {
      // It is too large, or not what its header says, which is the caller's to notice.
    }
    if (text === null) this.#cost.settle(null);
    else settleBy(this.#cost, text);
  }

  #drop(): void {
    this.#isDropped = true;
    this.#chunks = [];
    kept -= this.#kept;
    this.#kept = 0;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
