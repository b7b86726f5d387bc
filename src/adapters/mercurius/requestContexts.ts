import type { FastifyReply, FastifyRequest } from 'fastify';
import { ANONYMOUS, type LatchkeyContext } from '../../core/auth/principal.js';
import { whenDone } from '../../core/util/whenDone.js';
import type { AdapterParts } from './adapterParts.js';
import type { MaybePromise } from './fastifyHooks.js';

/** Creates the GraphQL contexts of requests: the caller, and what the user's function adds. */
export class RequestContexts {
  readonly #parts: Pick<AdapterParts, 'options' | 'requests'>;

  constructor(parts: Pick<AdapterParts, 'options' | 'requests'>) {
    this.#parts = parts;
  }

  /** Mercurius also calls this to format an error of a request that has no context yet. */
  create(request: FastifyRequest, reply: FastifyReply): MaybePromise<Record<string, unknown>> {
    const asked = this.#parts.requests.of(request);
    if (asked === null) return { principal: ANONYMOUS };
    const { context } = this.#parts.options;
    const { operationName, variables } = parametersOf(request);
    if (typeof operationName === 'string') asked.operationName = operationName;
    if (typeof variables === 'object' && variables !== null) asked.variables = variables as Record<string, unknown>;
    if (context === undefined || asked.hasFailed) return roomyContext(asked.context);
    asked.hasFailed = true;
    return whenDone(context(request, reply, asked.context), (own) => {
      asked.hasFailed = false;
      return { ...own, ...asked.context };
    });
  }
}

/**
 * Returns a context that already has the properties that Mercurius adds. Otherwise they would not fit into the object, and V8
 * would replace it by a slow hash table, which takes longer than the rest of the adapter.
 */
export function roomyContext({ principal, origin, counted }: LatchkeyContext): Record<string, unknown> {
  return {
    principal,
    origin,
    counted,
    reply: undefined,
    app: undefined,
    pubsub: undefined,
    __currentQuery: undefined,
    errors: null,
    preParsing: null,
    preValidation: null,
    preExecution: null,
    onResolution: null,
    preSubscriptionParsing: null,
    preSubscriptionExecution: null,
    onSubscriptionResolution: null,
    onSubscriptionEnd: null,
  };
}

interface Parameters {
  readonly operationName?: unknown;
  readonly variables?: unknown;
}

/** Returns the parameters of a request. By GET, its variables are text, which Mercurius parses later. */
function parametersOf({ method, query, body }: FastifyRequest): Parameters {
  if (method !== 'GET') return body ?? {};
  const { operationName, variables } = query as Parameters;
  if (typeof variables !== 'string') return { operationName };
  try {
    return { operationName, variables: JSON.parse(variables) as unknown };
  } catch {
    // Mercurius refuses the request.
    return { operationName };
  }
}
