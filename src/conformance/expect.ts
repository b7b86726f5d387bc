import assert from 'node:assert/strict';
import type { Answer, AnsweredError } from './httpRequest.js';
import type { World } from './world.js';

/** Asserts the result of an operation that may run. */
export function allowed(answer: Answer, data: object): void {
  assert.deepEqual(answer.body, { data }, `expected ${JSON.stringify(data)}, got ${answer.status} ${answer.text}`);
  assert.equal(answer.status, 200);
}

interface Expected {
  readonly status: number;
  readonly code: string;
  /** The fields in addition to the code, if they matter. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * Asserts a refusal before anything ran: its status, one error with its code, no data and no resolver that ran.
 *
 * @returns the error
 */
export function refused(
  world: Pick<World, 'ran'>,
  answer: Answer,
  { status, code, details = {} }: Expected,
): AnsweredError {
  const told = `${answer.status} ${answer.text.slice(0, 2_000)}`;
  assert.deepEqual(world.ran, [], `no resolver may run: ${told}`);
  assert.equal(answer.status, status, `expected ${status} ${code}, got ${told}`);
  assert.ok(answer.body !== null, `the body must be a JSON object: ${told}`);
  assert.ok(!('data' in answer.body), `a refused operation has no data: ${told}`);
  const { errors = [] } = answer.body;
  assert.equal(errors.length, 1, `expected one error: ${told}`);
  const [error] = errors as readonly [AnsweredError];
  const { extensions = {} } = error;
  assert.equal(extensions.code, code, told);
  for (const [name, value] of Object.entries(details)) assert.deepEqual(extensions[name], value, told);
  wellFormed(answer);
  return error;
}

/** Asserts that every error has a message and a code, and reveals no internals. */
export function wellFormed({ body, text }: Answer): void {
  for (const { message, extensions = {} } of body?.errors ?? []) {
    assert.match(message, /\S/, text);
    assert.equal(typeof extensions.code, 'string', `each error has a code: ${text}`);
    assert.ok(!('http' in extensions), `the status belongs to the response: ${text}`);
  }
  assert.doesNotMatch(text, /stacktrace|\bat \S+ \(|node_modules|file:\/\//, 'no stack trace is sent');
}

/** Asserts that nothing ran, whatever the server responded with. */
export function nothingRan(world: Pick<World, 'ran'>, answer: Answer, statuses: readonly number[]): void {
  const told = `${answer.status} ${answer.text.slice(0, 2_000)}`;
  assert.deepEqual(world.ran, [], `no resolver may run: ${told}`);
  assert.ok(statuses.includes(answer.status), `expected ${statuses.join(' or ')}, got ${told}`);
  assert.ok(answer.body?.data == null, `expected no data: ${told}`);
}

/** Returns the number of requests left, from the field RateLimit. */
export function remaining(answer: Answer): number {
  const field = answer.headers.get('ratelimit') ?? '';
  const left = /\br=(\d+)/.exec(field)?.[1];
  assert.ok(left !== undefined, `expected RateLimit, got "${field}" with ${answer.status} ${answer.text}`);
  return Number(left);
}

/** Waits for a condition. */
export async function until(holds: () => boolean, what: string, deadline = 15_000): Promise<void> {
  const end = performance.now() + deadline;
  while (!holds()) {
    assert.ok(performance.now() < end, `waited ${deadline} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export function times(count: number, part: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => part(i)).join(' ');
}
