import type { ActorContext } from '../../core/keys/actor.js';
import { Limiter } from '../../core/limits/limiter.js';
import type { Limits, Subject, Unit } from '../../core/limits/limits.js';
import { BURST_WINDOW, RATE_WINDOW, type Room, type WindowName, type WindowRoom } from '../../core/limits/window.js';
import type { LimitOverride } from '../../core/store/records.js';
import { gathering } from '../keys/keyLoaders.js';

interface Asked {
  readonly subject: Subject;
  readonly unit: Unit;
}

/** Reads the remaining room in the windows of a subject. Without a promise, unless the windows are in Redis. */
type ReadRoom = (context: ActorContext, subject: Subject, unit?: Unit) => Room | Promise<Room>;

/** Reads the windows of a subject once for all fields of a request. With Redis, each read is a round trip. */
export function roomsOf(limiter: Limits): ReadRoom {
  const gathered = gathering<Asked, Room>(
    async (_, asked) =>
      new Map(
        await Promise.all(
          asked.map(async (each): Promise<[string, Room]> => [
            nameOf(each),
            await limiter.peek(each.subject, each.unit),
          ]),
        ),
      ),
    nameOf,
  );
  return (context, subject, unit = 'requests') => {
    if (limiter instanceof Limiter) return limiter.peek(subject, unit);
    return gathered(context, { subject, unit }).then((room) => room ?? limiter.peek(subject, unit));
  };
}

function nameOf({ subject: { family, tier, category }, unit }: Asked): string {
  return `${tier} ${category ?? ''} ${unit} ${family}`;
}

/** Returns a window as the schema shows it. @param override the override of the subject. Default: there is none */
export function shownLimit(
  { limit: most, remaining, returnsInMs }: WindowRoom,
  name: WindowName,
  override: LimitOverride | null = null,
) {
  const isOverridden = override !== null && override[name] !== null;
  return {
    limit: most,
    window: name === 'rate' ? RATE_WINDOW : BURST_WINDOW,
    remaining,
    returnsIn: returnsInMs,
    source: isOverridden ? 'OVERRIDE' : 'TIER',
    until: isOverridden ? override.until : null,
  };
}
