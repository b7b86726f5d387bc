import type { DocumentNode, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import type { Principal } from '../auth/principal.js';
import type { Refusal } from '../errors/refusal.js';
import { refuseLargeReading } from './answer/largeReading.js';
import type { AnswerLimits } from './answer/answerLimits.js';
import { decide } from './decide.js';
import { refuseIntrospection, refuseSdl, type Introspection } from './introspection.js';
import type { CompiledOperation } from './compiledOperation.js';
import { refuseUnknownRoot } from './document/rootTypes.js';
import { refuseUntrusted } from './trustedDocuments.js';

/** An operation of a valid document, and who sent it. */
export interface OperationRequest {
  readonly schema: GraphQLSchema;
  /** The text of the document as it was sent. */
  readonly source: string;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly principal: Principal;
}

/** Settings of a server that decide what an operation may read. */
export interface ReviewOptions {
  readonly introspection: Introspection;
  readonly answer: AnswerLimits;
}

/** The name of a check that refused an operation. */
export type Check = keyof typeof CHECKS;

type Run = (request: OperationRequest, compiled: CompiledOperation, options: ReviewOptions) => Refusal | null;

/**
 * The checks before an operation is counted, in this order. Each check depends only on the operation and its
 * caller.
 */
const CHECKS = {
  rootType: ({ schema, operation }) => refuseUnknownRoot(schema, operation),
  trustedDocument: ({ principal, source, document }) => refuseUntrusted(principal, source, document),
  rules: ({ principal }, { rules }) => decide(rules, principal),
  introspection: (request, { introspects, readsSdl }, { introspection }) => {
    const { schema, principal } = request;
    const refusal = introspects ? refuseIntrospection(introspection, schema, principal, request) : null;
    return refusal ?? (readsSdl ? refuseSdl(introspection, schema, principal) : null);
  },
  readingSize: (request, { introspects }, { answer }) => (introspects ? refuseLargeReading(request, answer) : null),
} as const satisfies Readonly<Record<string, Run>>;

const IN_ORDER = Object.entries(CHECKS) as readonly (readonly [Check, Run])[];
const RUNS: readonly Run[] = Object.values(CHECKS);

/** Returns the first refusal of an operation; null if it passes all checks. */
export function firstRefusal(
  request: OperationRequest,
  compiled: CompiledOperation,
  options: ReviewOptions,
): Refusal | null {
  for (const run of RUNS) {
    const refusal = run(request, compiled, options);
    if (refusal !== null) return refusal;
  }
  return null;
}

/** Returns the refusals of all checks that the operation does not pass. */
export function allRefusals(
  request: OperationRequest,
  compiled: CompiledOperation,
  options: ReviewOptions,
): ReadonlyMap<Check, Refusal> {
  const refusals = new Map<Check, Refusal>();
  for (const [check, run] of IN_ORDER) {
    const refusal = run(request, compiled, options);
    if (refusal !== null) refusals.set(check, refusal);
  }
  return refusals;
}
