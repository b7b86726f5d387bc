/**
 * The maximum number of values in a message, not counting the arguments of a tool. The SDK checks each against a schema,
 * which takes up to 15 µs. Clients send a few dozen.
 */
export const MAX_MESSAGE_VALUES = 1_000;

/** Returns whether a message has too many values. The tool limits its own arguments. */
export function isTooLarge(message: unknown): boolean {
  const spared = argumentsOf(message);
  const waiting: unknown[] = [message];
  let count = 0;
  // Not recursive, because a body can nest deeper than the stack allows.
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
