import type {
  ApolloServerPlugin,
  GraphQLRequestContextDidResolveOperation,
  GraphQLRequestContextWillSendResponse,
} from '@apollo/server';
import type { GraphQLError, GraphQLSchema } from 'graphql';
import { ANONYMOUS, type LatchkeyContext, type Principal } from '../credentials/principal.js';
import { decide, isPrincipal, principalIn } from '../guard/decide.js';
import { brief, discreetly } from '../guard/discretion.js';
import { assertGuarded } from '../guard/guard.js';
import { OperationCompiler } from '../guard/operation.js';
import type { Admission, Limiter } from '../limits/limiter.js';
import { refusalOf } from '../limits/refuse.js';
import { httpAnswer, withHttp } from '../refusals/http.js';
import { Refusal, unavailable } from '../refusals/refusal.js';
import { refuseIntrospection, type Introspection } from '../guard/introspection.js';
import { limitHeaders } from './limitHeaders.js';

export interface PluginOptions {
  readonly limiter: Limiter;
  /**
   * Who may read the schema by introspection; default `authenticated`. It decides where Apollo Server's own option
   * `introspection` is true (which it is not by itself under NODE_ENV=production).
   */
  readonly introspection?: Introspection;
}

const TOO_MANY_FAULTS = 'Too many errors processing variables';

type Resolved = GraphQLRequestContextDidResolveOperation<LatchkeyContext>;
type Answered = GraphQLRequestContextWillSendResponse<LatchkeyContext>;

/**
 * The plugin for Apollo Server: judges the selected operation before anything runs, holds the key's limits, and gives the
 * answer its status and header fields. A server whose schema {@link assertGuarded} does not pass will not start.
 */
export function createPlugin(options: PluginOptions): ApolloServerPlugin<LatchkeyContext> {
  const { limiter, introspection = 'authenticated' } = options;
  const compilers = new WeakMap<GraphQLSchema, OperationCompiler>();

  const compilerOf = (schema: GraphQLSchema): OperationCompiler => {
    let compiler = compilers.get(schema);
    if (compiler === undefined)
      compilers.set(schema, (compiler = new OperationCompiler(schema, assertGuarded(schema))));
    return compiler;
  };

  /** @returns the cost of the operation; null for one that is not there to be run @throws Refusal */
  const judge = (request: Resolved, principal: Principal): number | null => {
    if (request.operation == null) return null;
    const { rules, cost, introspects } = compilerOf(request.schema).compile(
      request.document,
      request.operation,
      request.request.variables ?? {},
    );
    const refusal = decide(rules, principal) ?? (introspects ? refuseIntrospection(introspection, principal) : null);
    if (refusal !== null) throw refusal;
    return cost;
  };

  return {
    async serverWillStart({ schema }) {
      compilerOf(schema);
    },
    async requestDidStart() {
      let admission: Admission | null = null;
      return {
        async didResolveOperation(request) {
          try {
            const principal = principalIn(request.contextValue);
            const cost = judge(request, principal);
            if (cost === null || principal.kind === 'anonymous') return;
            admission = limiter.admit({ family: principal.familyId, tier: principal.tier }, cost);
            const refusal = refusalOf(admission, cost);
            if (refusal !== null) throw refusal;
          } catch (error) {
            // B31: a guard that breaks lets nobody in.
            throw withHttp(
              error instanceof Refusal ? error : unavailable('The request could not be judged.', 1, error),
            );
          }
        },
        async didEncounterErrors({ errors }) {
          // graphql-js gives up on variables with an error that has no code, and so would pass for the server's own fault.
          for (const error of errors) {
            if (error.message.startsWith(TOO_MANY_FAULTS)) error.extensions.code = 'BAD_USER_INPUT';
          }
        },
        async willSendResponse(answer) {
          const given = (answer.contextValue as Partial<LatchkeyContext>).principal;
          const principal = isPrincipal(given) ? given : ANONYMOUS;
          setStatus(answer);
          retell(answer, refuseIntrospection(introspection, principal) === null);
          setLimitFields(answer, principal, admission, limiter);
        },
      };
    },
  };
}

/**
 * What was refused before it ran has its status by now. A refusal out of a resolver gives its own only to an answer
 * without data: GraphQL over HTTP wants 2xx wherever there is some.
 */
function setStatus({ response, errors }: Answered): void {
  if (response.body.kind !== 'single' || response.body.singleResult.data != null || response.http.status !== undefined)
    return;
  for (const error of errors ?? []) {
    const refusal = refusalIn(error);
    if (refusal === null) continue;
    const { status, headers } = httpAnswer(refusal);
    if (status === 200) continue;
    response.http.status = status;
    for (const [name, value] of headers) response.http.headers.set(name, value);
    return;
  }
}

/**
 * GraphQL's own messages, kept short and from whoever may not read the schema (B42). They are those of errors without a
 * path; what a resolver says is for whoever may call it.
 */
function retell({ response, request, errors }: Answered, mayReadSchema: boolean): void {
  if (response.body.kind !== 'single' || response.body.singleResult.errors === undefined) return;
  let tell = mayReadSchema ? brief : null;
  response.body.singleResult.errors = response.body.singleResult.errors.map((formatted, i) => {
    const thrown = errors?.[i];
    if (formatted.path !== undefined || (thrown !== undefined && refusalIn(thrown) !== null)) return formatted;
    tell ??= discreetly([request.query ?? '', request.operationName ?? '', textOf(request.variables)]);
    return { ...formatted, message: tell(brief(formatted.message)) };
  });
}

function textOf(variables: unknown): string {
  try {
    return JSON.stringify(variables ?? null);
  } catch {
    // Nested too deep to be written: then nothing counts as written.
    return '';
  }
}

function refusalIn(error: GraphQLError): Refusal | null {
  if (error instanceof Refusal) return error;
  return error.originalError instanceof Refusal ? error.originalError : null;
}

/** Every answer to a key tells where its limits stand, refused and malformed requests too, which take nothing. */
function setLimitFields(
  { response }: Answered,
  principal: Principal,
  admission: Admission | null,
  limiter: Limiter,
): void {
  if (principal.kind === 'anonymous') return;
  const { headers } = response.http;
  for (const [name, value] of limitHeaders(principal, limiter, admission)) headers.set(name, value);
  // What one key may see is not for another's eyes: no cache between may keep it, whatever hints the schema gives (B32).
  if (!/\b(?:private|no-store)\b/.test(headers.get('cache-control') ?? '')) {
    headers.set('cache-control', 'private, no-store');
  }
}
