import type { DocumentNode, OperationDefinitionNode } from 'graphql';
import type { TellingContext } from './outcome.js';

/** The GraphQL context of this server. */
export interface RequestContext extends TellingContext {
  /** As in the answer's X-Request-Id. */
  readonly requestId: string;
  /** The kind of operation that alone may come by this way. Default: queries and mutations. */
  readonly only?: 'query' | 'mutation';
  /** Takes a subscription that is let in; null: the request is to be answered at once. */
  readonly opening: Opening | null;
}

/** Takes what Apollo Server and the guard let in. Shared by the copies that Apollo Server makes of a context. */
export class Opening {
  admitted: Admitted | null = null;
}

/** A subscription that was found valid and let in, and is to be opened. */
export interface Admitted {
  readonly source: string;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly variables: Record<string, unknown>;
}
