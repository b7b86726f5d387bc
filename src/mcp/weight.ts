/**
 * Values that a message may have beside the arguments of a tool: its SDK checks each of them against a schema, at up to
 * 15 µs. Clients send a few dozen.
 */
export const MAX_MESSAGE_VALUES = 1_000;

/** Has the message more values than it may? Arguments of a tool are for the tool to bound. */
export function isTooLarge(message: unknown): boolean {
  const spared = argumentsOf(message);
  const waiting: unknown[] = [message];
  let count = 0;
  // Without recursion: a body nests deeper than the stack allows.
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (typeof value !== 'object' || value === null || value === spared) continue;
    const inside: unknown[] = Object.values(value);
    count += inside.length;
    if (count > MAX_MESSAGE_VALUES) return true;
    for (const one of inside) waiting.push(one);
  }
  return false;
}

function argumentsOf(message: unknown): unknown {
  const { method, params } = (message ?? {}) as { method?: unknown; params?: { arguments?: unknown } | null };
  return method === 'tools/call' ? params?.arguments : undefined;
}
