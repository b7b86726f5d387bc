import type { Limiter } from '../../core/limits/limiter.js';
import type { Answer, Answers, Ask, Asks } from './messages.js';

/**
 * Returns the primary's replies to one message of a worker. Synchronous like the limiter, so that no other message is
 * handled in between.
 */
export function answersTo({ batch, asks, givenBack = [] }: Asks, limiter: Limiter): Answers {
  for (const { costTaken, cost } of givenBack) limiter.giveCostBack(costTaken, cost);
  return { kind: 'answers', batch, answers: asks.map((ask) => answer(ask, limiter)) };
}

function answer({ requests, cost, unit, ...subject }: Ask, limiter: Limiter): Answer {
  try {
    return requests === null ? limiter.peek(subject, unit) : limiter.admit(subject, requests, cost);
  } catch {
    // A message that can't be processed fails only its own request.
    return null;
  }
}
