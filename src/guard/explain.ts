import type { Category } from '../limits/category.js';
import {
  getOperationAST,
  getVariableValues,
  GraphQLError,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type ParseOptions,
  type ValidationRule,
} from 'graphql';
import type { Principal } from '../credentials/principal.js';
import { conditionsOf } from './conditions.js';
import { decide } from './decide.js';
import { fieldAccess, type FieldAccess } from './fieldAccess.js';
import { rulesOf } from './guard.js';
import { readable, refuseIntrospection, type Introspection } from './introspection.js';
import { MAX_LINES, refuseLines } from './lines.js';
import { OperationCompiler } from './operation.js';
import type { SchemaRules } from './rules.js';
import { telling } from './telling.js';
import { refuseUntrusted } from './trustedDocuments.js';

/** What would be asked for. */
export interface Question {
  readonly document: string;
  readonly operationName: string | null;
  readonly variables: unknown;
}

/** Why an operation would not be run, as far as that stands in the operation and in whose it is. */
export type Objection = 'INVALID_DOCUMENT' | 'DOCUMENT_NOT_TRUSTED' | 'MISSING_SCOPES' | 'INTROSPECTION_REFUSED';

export interface Fault {
  readonly message: string;
  /** In the document, from 1; null where the fault has no place. */
  readonly line: number | null;
  readonly column: number | null;
}

export interface Explanation {
  /** Of syntax, validity, bounds, the operation's name and variables. */
  readonly errors: readonly Fault[];
  readonly fields: readonly FieldAccess[];
  readonly missingScopes: readonly string[];
  /** In requests; null where the document has none. */
  readonly cost: number | null;
  /** Keys that it would create or rotate. */
  readonly tokens: number;
  /** Whose limits hold besides the tier's; null where the document has no operation. */
  readonly category: Category | null;
  readonly objections: readonly Objection[];
}

export interface ExplainerOptions {
  /** What the server that is explained holds documents to. */
  readonly bounds: {
    readonly parseOptions: ParseOptions;
    readonly validationRules: readonly ValidationRule[];
    readonly validationOptions: { readonly maxErrors: number };
  };
  readonly introspection: Introspection;
  /** Lines that a document may have. Default: {@link MAX_LINES}. */
  readonly maxLines?: number;
}

interface Guarded {
  readonly rules: SchemaRules;
  readonly compiler: OperationCompiler;
}

/** A document, parsed and validated. */
interface Parsed {
  readonly schema: GraphQLSchema;
  readonly text: string;
  readonly document: DocumentNode | undefined;
  readonly errors: readonly GraphQLError[];
}

/** A document as far as it was understood. */
interface Understood {
  readonly errors: readonly GraphQLError[];
  readonly document?: DocumentNode;
  /** null: none that can be run. */
  readonly operation: OperationDefinitionNode | null;
}

/** Judges operations as the server does, by the same rules and bounds, and runs none. */
export class Explainer {
  readonly #options: ExplainerOptions;
  readonly #guarded = new WeakMap<GraphQLSchema, Guarded>();
  /** The latest document: the aliases of one operation usually ask about the same one. */
  #latest: Parsed | null = null;

  constructor(options: ExplainerOptions) {
    this.#options = options;
  }

  /** @param principal whose operation it would be @param reader who is told, in terms of what they may read of the schema */
  explain(schema: GraphQLSchema, principal: Principal, question: Question, reader: Principal): Explanation {
    const { introspection } = this.#options;
    const { rules, compiler } = this.#guardOf(schema);
    const understood = this.#understand(schema, question);
    const { document, operation } = understood;
    const variables = recordOf(question.variables);
    const tell = telling(schema, readable(introspection, schema, reader), {
      document,
      operation,
      variables,
      written: [question.document, question.operationName ?? ''],
    });
    const errors = understood.errors.map((error) => faultOf(error, tell(error)));
    const objections: Objection[] = errors.length > 0 ? ['INVALID_DOCUMENT'] : [];
    if (document === undefined || operation === null) {
      return { errors, fields: [], missingScopes: [], cost: null, tokens: 0, category: null, objections };
    }
    const compiled = compiler.compile(document, operation, variables);
    const refusal = decide(compiled.rules, principal);
    if (refuseUntrusted(principal, question.document, document) !== null) objections.push('DOCUMENT_NOT_TRUSTED');
    if (refusal !== null) objections.push('MISSING_SCOPES');
    const reads = compiled.introspects ? { document, operation, variables } : null;
    if (reads !== null && refuseIntrospection(introspection, schema, principal, reads) !== null) {
      objections.push('INTROSPECTION_REFUSED');
    }
    return {
      errors,
      fields: fieldAccess(
        { schema, rules, principal },
        document,
        operation,
        conditionsOf(document, operation, variables),
      ),
      missingScopes: refusal?.details.code === 'FORBIDDEN' ? refusal.details.missing : [],
      cost: compiled.cost,
      tokens: compiled.tokens,
      category: compiled.category,
      objections,
    };
  }

  #parse(schema: GraphQLSchema, text: string): Parsed {
    if (this.#latest?.schema === schema && this.#latest.text === text) return this.#latest;
    const { bounds, maxLines = MAX_LINES } = this.#options;
    let document: DocumentNode | undefined;
    let errors: readonly GraphQLError[];
    const tooLong = refuseLines(text, maxLines);
    if (tooLong !== null) return { schema, text, document, errors: [tooLong] };
    try {
      document = parse(text, bounds.parseOptions);
      errors = validate(schema, document, [...specifiedRules, ...bounds.validationRules], bounds.validationOptions);
    } catch (error) {
      // A bound may be told by throwing.
      if (!(error instanceof GraphQLError)) throw error;
      errors = [error];
    }
    this.#latest = { schema, text, document, errors };
    return this.#latest;
  }

  #understand(schema: GraphQLSchema, { document: text, operationName, variables }: Question): Understood {
    const { document, errors: found } = this.#parse(schema, text);
    if (document === undefined) return { errors: found, operation: null };
    if (found.length > 0) return { errors: found, document, operation: null };
    const operation = getOperationAST(document, operationName);
    const fault = operation == null ? NO_OPERATION : schema.getRootType(operation.operation) == null ? NO_ROOT : null;
    if (operation == null || fault !== null) {
      return { errors: [new GraphQLError(fault ?? NO_OPERATION)], document, operation: null };
    }
    if (variables != null && recordOf(variables) !== variables) {
      return { errors: [new GraphQLError('Variables are an object, by their names.')], document, operation };
    }
    const definitions = operation.variableDefinitions ?? [];
    const { errors = [] } = getVariableValues(schema, definitions, recordOf(variables), { maxErrors: 1 });
    return { errors: errors.slice(0, 1), document, operation };
  }

  #guardOf(schema: GraphQLSchema): Guarded {
    let guarded = this.#guarded.get(schema);
    if (guarded === undefined) {
      const rules = rulesOf(schema);
      this.#guarded.set(schema, (guarded = { rules, compiler: new OperationCompiler(schema, rules) }));
    }
    return guarded;
  }
}

const NO_OPERATION =
  'The document has no operation of that name, or several and none is named. Give its operationName.';
const NO_ROOT = 'The schema has no operations of that kind.';

function recordOf(variables: unknown): Record<string, unknown> {
  const isRecord = typeof variables === 'object' && variables !== null && !Array.isArray(variables);
  return isRecord ? (variables as Record<string, unknown>) : {};
}

function faultOf({ locations }: GraphQLError, message: string): Fault {
  const [place] = locations ?? [];
  return { message, line: place?.line ?? null, column: place?.column ?? null };
}
