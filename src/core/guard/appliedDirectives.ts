import { valueFromASTUntyped, type ConstDirectiveNode } from 'graphql';
import { AUTH, PUBLIC } from './directives.js';
import { codedRule } from './ruleExtensions.js';

/** Any part of a schema that can have directives. */
export interface Annotated {
  readonly astNode?: { readonly directives?: readonly ConstDirectiveNode[] | undefined } | null | undefined;
  readonly extensionASTNodes?: readonly { readonly directives?: readonly ConstDirectiveNode[] | undefined }[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** A use of a directive. */
export interface Applied {
  readonly name: string;
  /** Whether it is written in SDL, which requires a declaration. */
  readonly inSdl: boolean;
  /** null if they are not written as arguments. */
  readonly args: Readonly<Record<string, unknown>> | null;
}

/** The faults found while reading a schema: sentences that name the place, the fault and the fix. */
export type Faults = string[];

/**
 * Returns the directives of a part of the schema: those of its definition, of all its extensions (B06), and those in
 * `extensions.directives` and `extensions.latchkey`, which code-first builders use.
 */
export function appliedDirectives(part: Annotated): readonly Applied[] {
  if (!hasDirectives(part)) return NONE;
  const applied: Applied[] = [];
  for (const node of [part.astNode, ...(part.extensionASTNodes ?? [])]) {
    for (const directive of node?.directives ?? []) {
      const args = Object.create(null) as Record<string, unknown>;
      for (const argument of directive.arguments ?? []) args[argument.name.value] = valueFromASTUntyped(argument.value);
      applied.push({ name: directive.name.value, inSdl: true, args });
    }
  }
  return [...applied, ...codedDirectives(part.extensions?.directives), ...codedRules(part)];
}

const NONE: readonly Applied[] = [];

/** Most parts of a schema have no directives. A schema is read several times before it is served. */
function hasDirectives({ astNode, extensionASTNodes, extensions }: Annotated): boolean {
  if (extensions != null && ('directives' in extensions || 'latchkey' in extensions)) return true;
  if (astNode?.directives !== undefined && astNode.directives.length > 0) return true;
  return extensionASTNodes !== undefined && extensionASTNodes.length > 0;
}

function codedRules({ extensions }: Annotated): Applied[] {
  const { auth, isPublic: isOpen, costs } = codedRule(extensions);
  const applied: Applied[] = auth.map((args) => ({ name: AUTH, inSdl: false, args }));
  for (const [name, args] of costs) applied.push({ name, inSdl: false, args: isRecord(args) ? args : null });
  return isOpen ? [...applied, { name: PUBLIC, inSdl: false, args: {} }] : applied;
}

/** Builders write `{ auth: args }`, `{ auth: [args, args] }` or `[{ name: 'auth', args }]`. */
function codedDirectives(coded: unknown): Applied[] {
  if (!isRecord(coded)) return [];
  const uses: [unknown, unknown][] = Array.isArray(coded)
    ? coded.map((use: unknown) => (isRecord(use) ? [use.name, use.args] : [use, undefined]))
    : Object.entries(coded).flatMap(([name, args]) =>
        (Array.isArray(args) ? (args as unknown[]) : [args]).map((one): [string, unknown] => [name, one]),
      );
  return uses.map(([name, args]) => ({
    name: String(name),
    inSdl: false,
    args: args === undefined || args === true ? {} : isRecord(args) ? args : null,
  }));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Returns whether the part has @public. */
export function isPublic(part: Annotated): boolean {
  return appliedDirectives(part).some(({ name }) => name === PUBLIC);
}
