import { Pacer } from './pacer.js';

/** Keys of a process whose pacers are held. A pacer that is dropped costs a refusal at most, which is waited out. */
const MAX_PACERS = 1_000;

const pacers = new Map<string, Pacer>();

/** The pacer of a key at a url: all clients of a process that have both share it, as they share the key's limits. */
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
