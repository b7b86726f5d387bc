import type { AuthenticatedPrincipal } from '../../core/auth/principal.js';

/** An operation that a tool runs, as in the body of a request to /graphql. */
interface Operation {
  readonly query: string;
  readonly operationName?: string;
  readonly variables?: Record<string, unknown>;
}

/** The response to an operation, as over HTTP. */
interface Ran {
  readonly status: number;
  /** JSON. */
  readonly body: string;
}

/** The caller of tools in one request. Every operation is checked like a request of this caller. */
export interface Caller {
  readonly principal: AuthenticatedPrincipal;
  /**
   * Runs an operation of this kind: guarded, limited and counted like one over HTTP. A refusal is part of the
   * response.
   */
  run(operation: Operation, kind: 'query' | 'mutation'): Promise<Ran>;
  /** Called with internal errors, which callers don't see. */
  failed(error: unknown): void;
}
