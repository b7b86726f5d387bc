import type { AuthenticatedPrincipal } from '../credentials/principal.js';

/** What a tool is asked to run, as the body of a request to /graphql would name it. */
export interface Operation {
  readonly query: string;
  readonly operationName?: string;
  readonly variables?: Record<string, unknown>;
}

/** How an operation was answered, as over HTTP. */
export interface Ran {
  readonly status: number;
  /** JSON. */
  readonly body: string;
}

/** Who calls tools in one request, and what is done in their name. All of it is judged by whoever makes it. */
export interface Caller {
  readonly principal: AuthenticatedPrincipal;
  /**
   * Runs an operation of that kind, and no other: guarded, limited and counted as one that comes by HTTP. What is refused is
   * told in the answer.
   */
  run(operation: Operation, kind: 'query' | 'mutation'): Promise<Ran>;
  /** Is told of errors that callers are not. */
  failed(error: unknown): void;
}
