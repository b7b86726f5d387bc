import type { Limiter } from '../limits/limiter.js';
import type { Answer, Answers, Ask, Asks } from './messages.js';

/** The primary's answers to one message of a worker. Synchronous, as the limiter: no other message comes between. */
export function answersTo({ batch, asks }: Asks, limiter: Limiter): Answers {
  return { kind: 'answers', batch, answers: asks.map((ask) => answer(ask, limiter)) };
}

function answer({ cost, ...subject }: Ask, limiter: Limiter): Answer {
  try {
    return cost === null ? limiter.peek(subject) : limiter.admit(subject, cost);
  } catch {
    // A record that nobody can read (a tier of another version, for one) costs its own request, not all of them.
    return null;
  }
}
