import { Pacer } from './pacer.js';

/** The number of cached pacers. Dropping one in use costs at most one 429 response, which is retried. */
const MAX_PACERS = 1_000;

const pacers = new Map<string, Pacer>();

/**
 * Returns the pacer for a key at a URL. All clients in the process share it, because they share the key's rate limits.
 */
export function pacerFor(url: string, key: string | null): Pacer {
  const id = `${url} ${key ?? ''}`;
  const before = pacers.get(id);
  if (before !== undefined) return before;
  if (pacers.size >= MAX_PACERS) makeRoom();
  const pacer = new Pacer();
  pacers.set(id, pacer);
  return pacer;
}

function makeRoom(): void {
  for (const [id, pacer] of pacers) if (pacer.isIdle) pacers.delete(id);
  for (const oldest of pacers.keys()) {
    if (pacers.size < MAX_PACERS) return;
    pacers.delete(oldest);
  }
}
