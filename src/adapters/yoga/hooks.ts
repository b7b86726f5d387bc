import type { DocumentNode, execute as graphqlExecute, GraphQLError, GraphQLSchema, ValidationRule } from 'graphql';
import type { ForeignSource } from '../../core/auth/headerFields.js';
import type { Logger } from '../../core/guard/request/requestGuardOptions.js';

/**
 * The parts of GraphQL Yoga's plugin hooks that are used here. Yoga's own types replace the types of `fetch` in the whole project, so they
 * are not imported.
 */
export interface YogaPlugin {
  readonly onPluginInit: (given: { readonly plugins: object[] }) => void;
  readonly onYogaInit: (given: { readonly yoga: Yoga }) => void;
  readonly onSchemaChange: (given: { readonly schema: GraphQLSchema }) => void;
  readonly onRequestParse: (given: Arrival) => MaybePromise<ParseHooks>;
  readonly onParams: (given: { readonly request: Request; readonly params: Params }) => void;
  readonly onParse: (given: Parsing) => ((given: { readonly result: unknown }) => void) | undefined;
  readonly onValidate: (given: Validation) => void;
  readonly onContextBuilding: (given: ContextBuilding) => void;
  readonly onExecute: (given: Execution) => MaybePromise<ExecutionHooks>;
  readonly onSubscribe: (given: Execution) => Promise<void>;
  readonly onResultProcess: (given: Processing) => MaybePromise<void>;
  readonly onResponse: (given: Sent) => MaybePromise<void>;
}

type MaybePromise<T> = T | Promise<T>;

export interface Yoga {
  readonly logger: Logger;
  readonly getEnveloped: (context: object) => { parse(source: string): unknown };
}

/** The object that a server passes to Yoga with each request. Node's servers add the request as `req`. */
export interface ServerContext {
  readonly req?: ForeignSource & { readonly raw?: ForeignSource };
}

export interface Arrival {
  readonly request: Request;
  readonly serverContext: ServerContext;
  /** undefined: no parser reads a request of this type. */
  readonly requestParser: RequestParser | undefined;
  readonly setRequestParser: (parser: RequestParser) => void;
  readonly fetchAPI: { readonly Request: typeof Request; readonly TransformStream: typeof TransformStream };
}

type RequestParser = (request: Request) => unknown;

export interface ParseHooks {
  readonly onRequestParseDone: (given: Parsed) => void;
}

interface Parsed {
  readonly requestParserResult: unknown;
}

interface Params {
  readonly query?: string;
  readonly operationName?: string | null;
  readonly variables?: Record<string, unknown> | null;
}

interface Parsing {
  readonly context: Envelope;
  readonly params: { readonly source: string | { readonly body: string } };
  readonly setParsedDocument: (document: DocumentNode) => void;
}

type Validate = (
  schema: GraphQLSchema,
  document: DocumentNode,
  rules?: readonly ValidationRule[],
) => readonly GraphQLError[];

interface Validation {
  readonly addValidationRule: (rule: ValidationRule) => void;
  readonly setValidationFn: (validate: Validate) => void;
}

/** The context of a request: from Yoga, the server and the user. */
export interface Envelope {
  readonly request?: Request;
}

interface ContextBuilding {
  readonly context: Envelope;
  readonly extendContext: (more: object) => void;
}

export interface Execution {
  readonly args: {
    readonly schema: GraphQLSchema;
    document: DocumentNode;
    readonly contextValue?: unknown;
    readonly operationName?: string | null;
    variableValues?: Record<string, unknown> | null;
    readonly rootValue?: unknown;
  };
  readonly context: Envelope;
  /** Not for subscriptions. */
  readonly executeFn?: typeof graphqlExecute;
  readonly setExecuteFn: (execute: typeof graphqlExecute) => void;
  readonly setResultAndStopExecution: (result: unknown) => void;
}

export interface ExecutionHooks {
  readonly onExecuteDone: (given: Done) => void;
}

export interface Done {
  readonly result: unknown;
  readonly setResult: (result: unknown) => void;
}

interface Processing {
  readonly request: Request;
  readonly result: unknown;
  readonly setResult: (result: unknown) => void;
}

interface Sent {
  readonly request: Request;
  readonly response: Response;
}
