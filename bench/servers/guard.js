import { makeExecutableSchema } from '@graphql-tools/schema';
import { execute, parse } from 'graphql';
import { applyMiddleware } from 'graphql-middleware';
import { rule, shield } from 'graphql-shield';
import { decide } from '../../build/core/guard/decide.js';
import { assertGuarded, guardSchema } from '../../build/core/guard/guard.js';
import { OperationCompiler } from '../../build/core/guard/compiledOperation.js';
import { directiveTypeDefs } from '../../build/management/schema/typeDefs.js';
import { timed, timedAsync } from '../lib/clock.js';
import { authDirective, guardedByDirective } from '../lib/directive.js';
import { serve } from '../lib/serve.js';

const FIELDS = Array.from({ length: 50 }, (_, i) => `field${i}`);
const ITEM = Object.fromEntries(FIELDS.map((name, i) => [name, i]));
const resolvers = { Query: { item: () => ITEM } };
const SCOPES = ['read:items'];

const typeDefs = (guard) => `
  type Query { item: Item ${guard('read:items')} }
  type Item { ${FIELDS.map((name) => `${name}: Int ${guard('read:items')}`).join('\n')} }
`;

const principal = Object.freeze({
  kind: 'key',
  keyId: 'key_1',
  familyId: 'fam_1',
  workspaceId: 'default',
  tier: 'GROWTH',
  keyType: 'SECRET',
  scopes: Object.freeze(SCOPES),
});

/** Schemas of 50 guarded fields, by `options.kind`. */
const SCHEMAS = {
  plain: () => makeExecutableSchema({ typeDefs: typeDefs(() => ''), resolvers }),
  latchkey: () => guarded(),
  directive: () => guardedByDirective(typeDefs(authDirective), resolvers),
  shield() {
    const holds = rule('read:items', { cache: 'contextual' })((_source, _args, context) =>
      context.scopes.includes('read:items'),
    );
    const fields = Object.fromEntries(FIELDS.map((name) => [name, holds]));
    return applyMiddleware(SCHEMAS.plain(), shield({ Query: { item: holds }, Item: fields }));
  },
};

const document = parse(`{ item { ${FIELDS.join(' ')} } }`);

await serve(async ({ kind }) => {
  const schema = SCHEMAS[kind]();
  // A new context for each request: graphql-shield caches its verdicts in it.
  const run = (contextValue) => execute({ schema, document, contextValue });
  const { data } = await run({ principal, scopes: SCOPES });
  if (JSON.stringify(data) !== JSON.stringify({ item: ITEM })) throw new Error(`${kind} returns wrong data.`);
  if (kind !== 'plain' && (await run({ principal: { ...principal, scopes: [] }, scopes: [] })).errors === undefined) {
    throw new Error(`${kind} returns data without the scope.`);
  }
  return {
    calls: {
      execute: (times) => timedAsync(times, () => run({ principal, scopes: SCOPES })),
      judge: (times) => timed(times, judging(guarded())),
      compile: (times) => timed(times, compiling(guarded())),
    },
  };
});

function guarded() {
  return guardSchema(
    makeExecutableSchema({
      typeDefs: [directiveTypeDefs(), typeDefs((scope) => `@auth(scope: "${scope}")`)],
      resolvers,
    }),
  );
}

/** Runs the work of the plugin for a cached operation. */
function judging(schema) {
  const compiler = new OperationCompiler(schema, assertGuarded(schema));
  const [operation] = document.definitions;
  return () => decide(compiler.compile(document, operation, {}).rules, principal);
}

/** Runs the work of the plugin for a new operation. */
function compiling(schema) {
  const compiler = new OperationCompiler(schema, assertGuarded(schema));
  return () => {
    const fresh = { ...document };
    return decide(compiler.compile(fresh, fresh.definitions[0], {}).rules, principal);
  };
}
