import type { DocumentNode, OperationDefinitionNode } from 'graphql';
import type { TellingContext } from '../../core/guard/request/outcome.js';

/** The GraphQL context of this server. */
export interface RequestContext extends TellingContext {
  /** The value of the response's X-Request-Id. */
  readonly requestId: string;
  /** The only type of operation allowed here. Default: queries and mutations. */
  readonly only?: 'query' | 'mutation';
  /** Receives an admitted subscription; null if the operation is executed immediately. */
  readonly opening: Opening | null;
}

/**
 * Receives the subscription that Apollo Server and the guard admitted. Shared by Apollo Server's copies of a context.
 */
export class Opening {
  admitted: Admitted | null = null;
}

/** A subscription that is valid and admitted, but not open yet. */
export interface Admitted {
  readonly source: string;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly variables: Record<string, unknown>;
}
