import type {
  FastifyInstance,
  onRequestHookHandler,
  preParsingHookHandler,
  preSerializationHookHandler,
  RouteOptions,
} from 'fastify';
import type { GraphQLSchema } from 'graphql';
import mercurius, { type MercuriusOptions } from 'mercurius';
import { whenDone } from '../../core/util/whenDone.js';
import { requestsOf } from '../requestsOf.js';
import type { AdapterParts } from './adapterParts.js';
import { RequestArrival } from './requestArrival.js';
import { Authorization } from './authorization.js';
import { MercuriusDocuments } from './mercuriusDocuments.js';
import { FastHandler } from './fastPath/fastHandler.js';
import { calling, listOf, type Done } from './fastifyHooks.js';
import { checkMercuriusOptions, type GuardedMercuriusOptions } from './mercuriusOptions.js';
import { MercuriusRequests } from './mercuriusRequest.js';
import { RequestContexts } from './requestContexts.js';
import { Responses } from './responses.js';
import { guardSockets } from './socketRoute.js';

/**
 * Registers Mercurius on a Fastify server, guarded: each request is authenticated, its operation is authorized before
 * anything runs, the key's limits apply, and the response has its status and header fields. The resolvers find the caller
 * as `context.principal`.
 *
 * @throws TypeError for an option that is unknown or weakens the guard; GuardError for a schema that is not guarded
 * @example
 * ```ts
 * import fastify from 'fastify';
 * import type { GraphQLSchema } from 'graphql';
 * import type { Latchkey } from 'latchkey';
 * import { latchkeyMercurius } from 'latchkey/mercurius';
 *
 * export async function serve(latchkey: Latchkey, schema: GraphQLSchema): Promise<void> {
 *   const app = fastify();
 *   await app.register(latchkeyMercurius, { latchkey, schema });
 *   await app.listen({ port: 4000 });
 * }
 * ```
 */
export async function latchkeyMercurius(app: FastifyInstance, options: GuardedMercuriusOptions): Promise<void> {
  const passed = checkMercuriusOptions(options);
  const guard = requestsOf('latchkeyMercurius', options.latchkey);
  guard.prepare(options.schema);
  const adapter = new Adapter(app, { options, guard });
  adapter.prepare(app);
  const checkSockets = await adapter.guardSockets(app);
  await app.register(mercurius, adapter.optionsFor(passed));
  checkSockets();
  adapter.attach(app);
}

// Fastify gives a plugin its own scope, in which app.graphql would be hidden, unless it has this property.
Object.assign(latchkeyMercurius, { [Symbol.for('skip-override')]: true });

/** Registers the steps of a request as hooks of Fastify and Mercurius. */
class Adapter {
  readonly #parts: AdapterParts;
  readonly #arrival: RequestArrival;
  readonly #contexts: RequestContexts;
  readonly #documents: MercuriusDocuments;
  readonly #authorization: Authorization;
  readonly #responses: Responses;
  readonly #fast: FastHandler;

  constructor(app: FastifyInstance, given: Pick<AdapterParts, 'options' | 'guard'>) {
    const logger = { error: (error: unknown) => app.log.error(error) };
    const parts = { ...given, logger, requests: new MercuriusRequests() };
    this.#parts = parts;
    this.#arrival = new RequestArrival(parts);
    const contexts = (this.#contexts = new RequestContexts(parts));
    this.#documents = new MercuriusDocuments(parts);
    const authorization = (this.#authorization = new Authorization(parts));
    const responses = (this.#responses = new Responses(parts));
    this.#fast = new FastHandler(app, parts, { contexts, authorization, responses });
  }

  optionsFor(passed: MercuriusOptions): MercuriusOptions {
    const { parseOptions, validationOptions, validationRules } = this.#parts.guard.bounds;
    const { additionalRouteOptions: own = {}, validationRules: rules = [] } = this.#parts.options;
    return {
      ...passed,
      graphql: { parseOptions, validateOptions: validationOptions },
      validationRules: [...validationRules, ...rules],
      allowBatchedQueries: false,
      context: (request, reply) => this.#contexts.create(request, reply),
      errorFormatter: (execution, context) => this.#responses.format(execution, context),
      additionalRouteOptions: {
        // With its own response schema, Mercurius sends the indices in the path of an error as strings.
        serializerCompiler: () => (result: unknown) => JSON.stringify(result),
        ...own,
        // Mercurius refuses mutations by GET, but not by HEAD.
        exposeHeadRoute: false,
        // Before the body is read.
        preParsing: [this.#arrived, ...listOf(own.preParsing)],
        preSerialization: [...listOf(own.preSerialization), this.#finish],
      },
    } as MercuriusOptions;
  }

  readonly #arrived: preParsingHookHandler = (request, _reply, payload, done) =>
    calling(done, () => whenDone(this.#arrival.check(request), () => payload));

  readonly #finish: preSerializationHookHandler = (request, reply, payload, done) =>
    calling(done, () => this.#responses.finish(request, reply, payload));

  prepare(app: FastifyInstance): void {
    this.#parts.requests.prepare(app);
    app.addHook('onRoute', (route) => {
      if (route.method !== 'POST' || !listOf(route.preParsing).includes(this.#arrived)) return;
      this.#arriveEarlier(route);
      this.#fast.attach(route);
    });
  }

  /**
   * Replaces the hook of Mercurius's own CSRF prevention, which is off and only costs a promise, by ours: Fastify creates more objects
   * for a hook before parsing. Hooks that other plugins have added to the route, such as a rate limit, run before ours.
   */
  #arriveEarlier(route: RouteOptions): void {
    const arrive: onRequestHookHandler = (request, _reply, done) =>
      calling(done as Done, () => this.#arrival.check(request));
    const added = listOf(route.onRequest) as readonly onRequestHookHandler[];
    const isOnlyMercurius = added.length === 1 && added[0]?.name === 'onRequest';
    route.onRequest = isOnlyMercurius ? arrive : [...added, arrive];
    const others = listOf(route.preParsing).filter((hook) => hook !== this.#arrived);
    if (others.length > 0) route.preParsing = others as preParsingHookHandler[];
    else delete route.preParsing;
  }

  /** @returns a function to call when Mercurius is registered */
  async guardSockets(app: FastifyInstance): Promise<() => void> {
    const { subscription = false, latchkey, schema, validationRules = [] } = this.#parts.options;
    if (subscription === false) return () => undefined;
    const own = subscription === true ? {} : subscription;
    return guardSockets(app, { latchkey, schema, validationRules, subscription: own });
  }

  attach(app: FastifyInstance): void {
    const { graphql } = app;
    const replaceSchema = graphql.replaceSchema.bind(graphql);
    graphql.addHook('preParsing', (schema, source, context) => this.#documents.read(schema, source, context));
    graphql.addHook(
      'preValidation',
      this.#documents.weighing(() => replaceSchema(graphql.schema)),
    );
    graphql.addHook('preExecution', (schema, document, context, variables) => {
      this.#fast.remember(schema, document, context);
      return this.#authorization.authorize(schema, document, context, variables);
    });
    const { guard, options } = this.#parts;
    const hasSockets = Boolean(options.subscription);
    const addHook = graphql.addHook.bind(graphql) as (name: string, hook: unknown) => void;
    Object.assign(graphql, {
      replaceSchema: (schema: GraphQLSchema) => {
        if (hasSockets) throw new TypeError('Open connections would keep the schema. Restart the server instead.');
        guard.prepare(schema);
        replaceSchema(schema);
      },
      addHook: (name: string, hook: unknown) => {
        if (name.includes('Subscription')) throw new TypeError(`Latchkey serves the subscriptions, without ${name}.`);
        this.#fast.turnOff();
        addHook(name, hook);
      },
      ...{ defineResolvers: refuseChange, defineLoaders: refuseChange, extendSchema: refuseChange },
    });
  }
}

function refuseChange(): never {
  throw new TypeError('The schema is guarded and can no longer be changed. Change it before you call latchkey.guard.');
}
