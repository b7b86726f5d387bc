import DataLoader from 'dataloader';
import { OperationTypeNode, type GraphQLResolveInfo } from 'graphql';
import { AnswerBudget } from '../guard/answer/budget.js';
import { ANSWER_LIMITS, BYTES_PER_FIELD, limitsOfEvent, type AnswerLimits } from '../guard/answer/answerLimits.js';
import { notFound } from '../errors/refusal.js';
import { Remembered } from '../util/remembered.js';
import type { Actor, ActorContext } from './actor.js';
import type { KeyService } from './keyService.js';

/** Keys whose documents are read at once. */
export const KEYS_AT_ONCE = 25;

type Info = Pick<GraphQLResolveInfo, 'operation' | 'variableValues'>;
type Documents = readonly string[] | null;

interface Reader {
  load(keyId: string): Documents | Promise<Documents>;
}

/** Reads the trusted documents of a key. Returns documents that have arrived without a promise. */
type ReadDocuments = (context: ActorContext, keyId: string, info: Info) => Documents | Promise<Documents>;

/**
 * Reads the trusted documents of keys, a few keys at a time. One key may have tens of kilobytes of them, so reading has the same
 * limit as the response: a key counts as one field, and so does each of its documents. An operation that exceeds the limit is refused
 * with ANSWER_TOO_LARGE, and reads nothing more.
 */
export function readingDocuments(
  service: Pick<KeyService, 'documentsOf'>,
  limits: AnswerLimits = ANSWER_LIMITS,
): ReadDocuments {
  // By the variables object, because graphql-js creates one for each execution: an event of a subscription has its own.
  const readers = new WeakMap<object, Reader>();
  return ({ principal }, keyId, info) => {
    let reader = readers.get(info.variableValues);
    if (reader === undefined) {
      readers.set(info.variableValues, (reader = readerOf(service, principal, limits, info.operation.operation)));
    }
    return reader.load(keyId);
  };
}

function readerOf(
  service: Pick<KeyService, 'documentsOf'>,
  principal: Actor,
  limits: AnswerLimits,
  operation: OperationTypeNode,
): Reader {
  const isEvent = operation === OperationTypeNode.SUBSCRIPTION;
  const budget = new AnswerBudget(isEvent ? limitsOfEvent(limits) : limits, operation);
  let last: Promise<unknown> = Promise.resolve();
  const read = async (ids: readonly string[]): Promise<(Documents | Error)[]> => {
    budget.check();
    const found = await service.documentsOf(principal, ids);
    for (const documents of found.values()) budget.spend(fieldsOf(documents));
    return ids.map((id) => {
      const documents = found.get(id);
      return documents === undefined ? notFound('key') : documents;
    });
  };
  const inTurn = (ids: readonly string[]): Promise<(Documents | Error)[]> => {
    const reading = last.then(() => read(ids));
    last = reading.catch(() => undefined);
    return reading;
  };
  const options = { maxBatchSize: KEYS_AT_ONCE };
  // A later mutation of an operation may change what an earlier one read.
  return operation === OperationTypeNode.MUTATION
    ? new DataLoader(inTurn, { ...options, cache: false })
    : new Remembered(inTurn, options);
}

/** For how many fields the documents of a key count: one for the key, one for each, and one more with each 256 characters. */
function fieldsOf(documents: Documents): number {
  return (documents ?? []).reduce((sum, { length }) => sum + 1 + Math.floor(length / BYTES_PER_FIELD), 1);
}
