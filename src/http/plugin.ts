import type { ApolloServerPlugin, GraphQLRequestContextDidResolveOperation } from '@apollo/server';
import { getVariableValues, type GraphQLSchema } from 'graphql';
import { ANONYMOUS, type LatchkeyContext, type Principal } from '../credentials/principal.js';
import { decide, isPrincipal, principalIn } from '../guard/decide.js';
import { assertGuarded } from '../guard/guard.js';
import { OperationCompiler } from '../guard/operation.js';
import type { Admission, Limits } from '../limits/limits.js';
import { refusalOf } from '../limits/refuse.js';
import { withHttp } from '../refusals/http.js';
import { Refusal, unavailable } from '../refusals/refusal.js';
import { refuseIntrospection, type Introspection } from '../guard/introspection.js';
import type { UsageLog } from '../usage/log.js';
import { capErrors, retell, setLimitFields, setStatus } from './answer.js';

export interface PluginOptions {
  readonly limiter: Limits;
  /** Told what became of each key's request. Must not wait for anything. Default: nobody is. */
  readonly usage?: Pick<UsageLog, 'count'>;
  /**
   * Who may read the schema by introspection; default `authenticated`. It decides where Apollo Server's own option
   * `introspection` is true (which it is not by itself under NODE_ENV=production).
   */
  readonly introspection?: Introspection;
}

const TOO_MANY_FAULTS = 'Too many errors processing variables';

type Resolved = GraphQLRequestContextDidResolveOperation<LatchkeyContext>;

/**
 * The plugin for Apollo Server: judges the selected operation before anything runs, holds the key's limits, and gives the
 * answer its status and header fields. A server whose schema {@link assertGuarded} does not pass will not start.
 */
export function createPlugin(options: PluginOptions): ApolloServerPlugin<LatchkeyContext> {
  const { limiter, usage, introspection = 'authenticated' } = options;
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
    if (refusal !== null) {
      usage?.count(principal, 'forbidden');
      throw refusal;
    }
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
            if (cost === null || principal.kind === 'anonymous' || !variablesFit(request)) return;
            admission = await limiter.admit({ family: principal.familyId, tier: principal.tier }, cost);
            const refusal = refusalOf(admission, cost);
            usage?.count(principal, refusal === null ? 'requests' : 'limited', refusal === null ? cost : 1);
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
          capErrors(answer);
          retell(answer, refuseIntrospection(introspection, principal) === null);
          await setLimitFields(answer, principal, admission, limiter);
        },
      };
    },
  };
}

/** Variables that do not fit are refused by the execution before anything runs, and such a request takes nothing. */
function variablesFit({ schema, operation, request: { variables } }: Resolved): boolean {
  const definitions = operation?.variableDefinitions ?? [];
  if (definitions.length === 0) return true;
  return getVariableValues(schema, definitions, variables ?? {}, { maxErrors: 1 }).errors === undefined;
}
