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
import type { Principal } from '../auth/principal.js';
import { ANSWER_LIMITS } from './answer/answerLimits.js';
import { conditionsOf } from './conditions.js';
import { fieldAccess, type FieldAccess } from './fieldAccess.js';
import { rulesOf } from './guard.js';
import { readable, type Introspection } from './introspection.js';
import { MAX_LINES, refuseLines } from './lines.js';
import { OperationCompiler } from './compiledOperation.js';
import type { CostMode } from './cost/costMode.js';
import { unitsAtStart } from './cost/unitsAtStart.js';
import type { FieldPart, OperationCost } from './cost/operationCost.js';
import { printable } from './printable.js';
import { allRefusals, type Check } from './review.js';
import type { SchemaRules } from './rules.js';
import { telling } from './telling.js';

/** The operation to explain. */
interface Question {
  readonly document: string;
  readonly operationName: string | null;
  readonly variables: unknown;
}

/** Why an operation would be refused, as far as that depends on the operation and the principal. */
export type Objection = 'INVALID_DOCUMENT' | 'DOCUMENT_NOT_TRUSTED' | 'MISSING_SCOPES' | 'INTROSPECTION_REFUSED';

/** The refusal of each check; null if it is not reported, because only a run of the operation shows how large its response is. */
const OBJECTIONS = {
  rootType: 'INVALID_DOCUMENT',
  trustedDocument: 'DOCUMENT_NOT_TRUSTED',
  rules: 'MISSING_SCOPES',
  introspection: 'INTROSPECTION_REFUSED',
  readingSize: null,
} as const satisfies Record<Check, Objection | null>;

interface Fault {
  readonly message: string;
  /** The line in the document, from 1; null if the error has no position. */
  readonly line: number | null;
  readonly column: number | null;
}

/** The cost of an operation by `@cost` and `@listSize`. */
interface ExplainedCost {
  /** In cost units: an upper bound. */
  readonly cost: number;
  /** The ten fields with the largest part in it, the largest first. */
  readonly fields: readonly FieldPart[];
  /** A list whose size the operation doesn't give, so that tiers with limits in cost units refuse it; null if there is none. */
  readonly unsized: string | null;
  /** Whether the limits in cost units of a tier apply. */
  readonly isEnforced: boolean;
}

export interface Explanation {
  /** Errors of syntax, validation, bounds, the name of the operation and its variables. */
  readonly errors: readonly Fault[];
  readonly fields: readonly FieldAccess[];
  readonly missingScopes: readonly string[];
  /** In requests; null if the document has no operation. */
  readonly cost: number | null;
  /** null if the schema has no such directives, they are not used, or the document has no operation. */
  readonly estimate: ExplainedCost | null;
  /** The cost units that it takes when it starts; null if limits in cost units don't apply, or the document has no operation. */
  readonly units: number | null;
  /** The number of keys that it would create or rotate. */
  readonly tokens: number;
  /** The category whose limits apply in addition to those of the tier; null if the document has no operation. */
  readonly category: Category | null;
  readonly objections: readonly Objection[];
}

export interface ExplainerOptions {
  /** The bounds for documents on the server. */
  readonly bounds: {
    readonly parseOptions: ParseOptions;
    readonly validationRules: readonly ValidationRule[];
    readonly validationOptions: { readonly maxErrors: number };
  };
  readonly introspection: Introspection;
  /** Default: `enforce`. */
  readonly cost?: CostMode;
  /**
   * The number of lines that a document may have.
   *
   * @default {@link MAX_LINES}
   */
  readonly maxLines?: number;
}

interface Guarded {
  readonly rules: SchemaRules;
  readonly compiler: OperationCompiler;
}

/** A parsed and validated document. */
interface Parsed {
  readonly document: DocumentNode | undefined;
  readonly errors: readonly GraphQLError[];
}

/** Parsed documents by their text, for one schema and one operation. */
export type ParsedDocuments = Map<string, Parsed>;

/** The valid part of a document. */
interface Understood {
  readonly errors: readonly GraphQLError[];
  readonly document?: DocumentNode;
  /** null if no operation can be run. */
  readonly operation: OperationDefinitionNode | null;
}

interface ExplainFor {
  /** The caller who receives the explanation, and may read only a part of the schema. */
  readonly reader: Principal;
  /** The documents that are not parsed again; the new one is added. Default: none. */
  readonly parsed?: ParsedDocuments;
}

/** Explains what the server would do with an operation, by the same rules and bounds, without running it. */
export class Explainer {
  readonly #options: ExplainerOptions;
  readonly #guarded = new WeakMap<GraphQLSchema, Guarded>();

  constructor(options: ExplainerOptions) {
    this.#options = options;
  }

  /**
   * @param principal the caller of the operation
   */
  explain(
    schema: GraphQLSchema,
    principal: Principal,
    question: Question,
    { reader, parsed = new Map() }: ExplainFor,
  ): Explanation {
    const { introspection } = this.#options;
    const { rules, compiler } = this.#guardOf(schema);
    const understood = this.#understand(schema, question, parsed);
    const { document, operation } = understood;
    const variables = recordOf(question.variables);
    const errors = this.#tell(schema, reader, question, understood);
    const objections: Objection[] = errors.length > 0 ? ['INVALID_DOCUMENT'] : [];
    if (document === undefined || operation === null) {
      return {
        errors,
        fields: [],
        missingScopes: [],
        cost: null,
        estimate: null,
        units: null,
        tokens: 0,
        category: null,
        objections,
      };
    }
    const compiled = compiler.compile(document, operation, variables);
    const asked = { schema, source: question.document, document, operation, variables, principal };
    const refusals = allRefusals(asked, compiled, { introspection, answer: ANSWER_LIMITS });
    for (const check of refusals.keys()) {
      const objection = OBJECTIONS[check];
      if (objection !== null) objections.push(objection);
    }
    const missing = refusals.get('rules')?.details;
    const isEnforced = (this.#options.cost ?? 'enforce') === 'enforce';
    const estimate = compiled.weighed && estimateOf(compiled.weighed, variables, isEnforced);
    return {
      errors,
      fields: fieldAccess({ schema, rules, principal }, document, operation, {
        conditions: conditionsOf(document, operation, variables),
        variables,
      }),
      missingScopes: missing?.code === 'FORBIDDEN' ? missing.missing : [],
      cost: compiled.cost,
      estimate,
      units: isEnforced ? unitsAtStart(operation, estimate?.cost ?? compiled.cost) : null,
      tokens: compiled.tokens,
      category: compiled.category,
      objections,
    };
  }

  #tell(
    schema: GraphQLSchema,
    reader: Principal,
    { document: text, operationName, variables }: Question,
    { document, operation, errors }: Understood,
  ): Fault[] {
    // The reader's part of the schema is only used if something is wrong, because it means validating the document again.
    if (errors.length === 0) return [];
    const tell = telling(schema, readable(this.#options.introspection, schema, reader), {
      document,
      operation,
      variables: printable(schema, operation, recordOf(variables)),
      written: [text, operationName ?? ''],
    });
    return errors.map((error) => faultOf(error, tell(error)));
  }

  #parse(schema: GraphQLSchema, text: string): Parsed {
    const { bounds, maxLines = MAX_LINES } = this.#options;
    let document: DocumentNode | undefined;
    let errors: readonly GraphQLError[];
    const tooLong = refuseLines(text, maxLines);
    if (tooLong !== null) return { document, errors: [tooLong] };
    try {
      document = parse(text, bounds.parseOptions);
      errors = validate(schema, document, [...specifiedRules, ...bounds.validationRules], bounds.validationOptions);
    } catch (error) {
      // A bound may throw.
      if (!(error instanceof GraphQLError)) throw error;
      errors = [error];
    }
    return { document, errors };
  }

  #understand(
    schema: GraphQLSchema,
    { document: text, operationName, variables }: Question,
    parsed: ParsedDocuments,
  ): Understood {
    const known = parsed.get(text) ?? this.#parse(schema, text);
    parsed.set(text, known);
    const { document, errors: found } = known;
    if (document === undefined) return { errors: found, operation: null };
    if (found.length > 0) return { errors: found, document, operation: null };
    const operation = getOperationAST(document, operationName);
    if (operation == null) return { errors: [new GraphQLError(NO_OPERATION)], document, operation: null };
    if (variables != null && recordOf(variables) !== variables) {
      return { errors: [new GraphQLError('The variables must be an object.')], document, operation };
    }
    const definitions = operation.variableDefinitions ?? [];
    const short = printable(schema, operation, recordOf(variables));
    const { errors = [] } = getVariableValues(schema, definitions, short, { maxErrors: 1 });
    return { errors: errors.slice(0, 1), document, operation };
  }

  #guardOf(schema: GraphQLSchema): Guarded {
    let guarded = this.#guarded.get(schema);
    if (guarded === undefined) {
      const rules = rulesOf(schema);
      this.#guarded.set(
        schema,
        (guarded = { rules, compiler: new OperationCompiler(schema, rules, this.#options.cost !== 'off') }),
      );
    }
    return guarded;
  }
}

/** The number of fields in an {@link ExplainedCost}. */
const DEAREST = 10;

function estimateOf(
  weighed: OperationCost,
  variables: Readonly<Record<string, unknown>>,
  isEnforced: boolean,
): ExplainedCost {
  return {
    cost: weighed.estimate(variables),
    fields: weighed.dearest(variables, DEAREST),
    unsized: weighed.unsized(variables)?.coordinate ?? null,
    isEnforced,
  };
}

const NO_OPERATION =
  'Unknown operation name, or the document has several operations and none was named. Set operationName.';

function recordOf(variables: unknown): Record<string, unknown> {
  const isRecord = typeof variables === 'object' && variables !== null && !Array.isArray(variables);
  return isRecord ? (variables as Record<string, unknown>) : {};
}

function faultOf({ locations }: GraphQLError, message: string): Fault {
  const [place] = locations ?? [];
  return { message, line: place?.line ?? null, column: place?.column ?? null };
}
