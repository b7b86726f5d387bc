import type { ApolloServerOptionsWithSchema, ApolloServerPlugin, BaseContext } from '@apollo/server';
import type { GraphQLSchema } from 'graphql';
import { KnownOperations } from '../../../core/guard/known/knownOperations.js';

/** The options of an Apollo Server, as its constructor reads them. */
type Config = Partial<ApolloServerOptionsWithSchema<BaseContext>> & Readonly<Record<string, unknown>>;

/** The options of an execution, and the documents that were executed before. */
export interface ExecutionConfig {
  readonly formatError: Config['formatError'] | undefined;
  readonly executionOptions: Config['executionOptions'] | undefined;
  readonly known: KnownOperations;
}

/** An option that the constructor of Apollo Server reads, and that `apolloOptions` refuses. */
const WATCHED = 'fieldResolver';

/** Options with which only Apollo Server executes operations correctly. */
const UNUSUAL = [
  'rootValue',
  'gateway',
  'legacyExperimentalExecuteIncrementally',
  '__testing_incrementalExecutionResults',
];

/**
 * Finds out two facts that Apollo Server does not tell its plugins: its options, and whether other plugins
 * see the steps of a request. If a fact is unknown, Apollo Server executes operations itself.
 */
export class ServerConfig {
  #config: Config | null = null;
  #reads = 0;
  /** The plugins and the schema of the server; null if unknown. */
  #server: { readonly plugins: readonly ApolloServerPlugin[]; readonly schema: GraphQLSchema } | null = null;
  /** The number of plugins when they were last checked. */
  #checked = 0;
  #execution: ExecutionConfig | null = null;

  /** Watches until the constructor of Apollo Server reads the options. Copies of them, which can have other options, are not watched. */
  watch(options: object): void {
    const read = (config: Config): void => this.#read(config);
    Object.defineProperty(options, WATCHED, {
      configurable: true,
      // A spread neither reads nor copies it.
      enumerable: false,
      get(this: Config): undefined {
        read(this);
        return undefined;
      },
      set(this: object, value: unknown) {
        Object.defineProperty(this, WATCHED, { value, configurable: true, enumerable: true, writable: true });
      },
    });
  }

  #read(config: Config): void {
    this.#reads += 1;
    this.#config = Object.freeze({ ...config });
  }

  /**
   * Checks whether the list of plugins in the options is the one that the server uses. Call it when the server starts: it is about to
   * call the next plugin in its list.
   */
  start(plugin: object, schema: GraphQLSchema): void {
    const plugins = this.#config?.plugins;
    if (plugins === undefined) return;
    const at = plugins.findIndex((one) => one === plugin) + 1;
    const next = plugins[at];
    if (at === 0 || next === undefined || next.serverWillStart !== undefined) return;
    plugins[at] = {
      serverWillStart: async () => {
        plugins[at] = next;
        this.#server = { plugins, schema };
      },
    };
  }

  /** Returns the options of an execution; null: Apollo Server has to execute operations, because other plugins or options need it. */
  executionFor(plugin: object): ExecutionConfig | null {
    if (this.#server === null) return null;
    const { plugins, schema } = this.#server;
    if (plugins.length !== this.#checked) {
      this.#checked = plugins.length;
      const isAlone = plugins.every((one) => one === plugin || one.requestDidStart === undefined);
      this.#execution = isAlone ? this.#create(schema) : null;
    }
    return this.#execution;
  }

  #create(schema: GraphQLSchema): ExecutionConfig | null {
    if (this.#config === null || !this.#isUsual(this.#config)) return null;
    const { formatError, executionOptions } = this.#config;
    return { formatError, executionOptions, known: new KnownOperations(schema) };
  }

  #isUsual(config: Config): boolean {
    if (this.#reads !== 1 || config.includeStacktraceInErrorResponses === true) return false;
    return UNUSUAL.every((name) => config[name] === undefined);
  }
}
