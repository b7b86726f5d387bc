import type { Limiter } from '../../core/limits/limiter.js';
import type { Answer, Answers, Ask, Asks } from './messages.js';

/**
 * Returns the primary's replies to one message of a worker. Synchronous like the limiter, so that no other message is
 * handled in between.
 */
export function answersTo({ batch, asks }: Asks, limiter: Limiter): Answers {
  return { kind: 'answers', batch, answers: asks.map((ask) => answer(ask, limiter)) };
}

function answer({ cost, ...subject }: Ask, limiter: Limiter): Answer {
  try {
    return cost === null ? limiter.peek(subject) : limiter.admit(subject, cost);
  } catch {
    // An unreadable record, for example with a tier of another version, fails only its own request.
    return null;
  }
}
