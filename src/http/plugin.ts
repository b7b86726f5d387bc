import type { ApolloServerPlugin, GraphQLRequestContextDidResolveOperation } from '@apollo/server';
import { getVariableValues, type GraphQLSchema } from 'graphql';
import { ANONYMOUS, type LatchkeyContext, type Principal } from '../credentials/principal.js';
import { decide, isPrincipal, principalIn } from '../guard/decide.js';
import { assertGuarded } from '../guard/guard.js';
import { OperationCompiler } from '../guard/operation.js';
import type { Admission, Limits } from '../limits/limits.js';
import { UNOBSERVED, type Observer } from '../metrics/observer.js';
import { refusalOf } from '../limits/refuse.js';
import { withHttp } from '../refusals/http.js';
import { Refusal, unavailable } from '../refusals/refusal.js';
import { refuseIntrospection, type Introspection } from '../guard/introspection.js';
import type { Tier } from '../store/records.js';
import { capErrors, retell, setLimitFields, setStatus } from './answer.js';

export interface PluginOptions {
  readonly limiter: Limits;
  /**
   * Who may read the schema by introspection; default `authenticated`. It decides where Apollo Server's own option
   * `introspection` is true (which it is not by itself under NODE_ENV=production).
   */
  readonly introspection?: Introspection;
  /** Is told of operations that were admitted or refused. Default: nobody. */
  readonly observer?: Observer;
}

const TOO_MANY_FAULTS = 'Too many errors processing variables';

type Resolved = GraphQLRequestContextDidResolveOperation<LatchkeyContext>;

/**
 * The plugin for Apollo Server: judges the selected operation before anything runs, holds the key's limits, and gives the
 * answer its status and header fields. A server whose schema {@link assertGuarded} does not pass will not start.
 */
export function createPlugin(options: PluginOptions): ApolloServerPlugin<LatchkeyContext> {
  const { limiter, introspection = 'authenticated', observer = UNOBSERVED } = options;
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
          let tier: Tier | null = null;
          try {
            const principal = principalIn(request.contextValue);
            tier = principal.tier;
            const cost = judge(request, principal);
            if (cost === null || principal.kind === 'anonymous' || !variablesFit(request)) return;
            admission = await limiter.admit({ family: principal.familyId, tier: principal.tier }, cost);
            const refusal = refusalOf(admission, cost);
            if (refusal !== null) throw refusal;
            observer.admitted(principal.tier);
          } catch (error) {
            // B31: a guard that breaks lets nobody in.
            const refusal =
              error instanceof Refusal ? error : unavailable('The request could not be judged.', 1, error);
            observer.refused(tier, refusal.details.code);
            throw withHttp(refusal);
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
