import {
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  isUnionType,
  type GraphQLSchema,
} from 'graphql';
import { undecidedFields } from './gatewaySchema.js';
import type { Policy } from './gatewayPolicy.js';

/** How the schema of an upstream differs from the one that the gateway knows. Coordinates, sorted. */
export interface Drift {
  /** Types, fields, input fields and enum values that only the upstream has. Callers can't use them. */
  readonly added: readonly string[];
  /** The parts that only the gateway has. Operations with them fail in the upstream. */
  readonly removed: readonly string[];
  /** The parts with another type or other arguments. */
  readonly changed: readonly string[];
  /** Root fields of the upstream about which nothing is decided. They are closed. */
  readonly undecided: readonly string[];
}

export const NO_DRIFT: Drift = Object.freeze({ added: [], removed: [], changed: [], undecided: [] });

/** Returns the number of differences. */
export function sizeOf({ added, removed, changed, undecided }: Drift): number {
  return new Set([...added, ...removed, ...changed, ...undecided]).size;
}

/**
 * Compares the schema of an upstream with the one that the gateway knows.
 *
 * @param policy fields that it closes are not reported as added. null: root fields that the gateway doesn't know are undecided
 */
export function driftOf(known: GraphQLSchema, current: GraphQLSchema, policy: Policy | null): Drift {
  const ours = signaturesOf(known);
  const theirs = signaturesOf(current);
  const added = [...theirs.keys()].filter((name) => !ours.has(name) && policy?.of(name)?.kind !== 'deny');
  const undecided =
    policy === null ? added.filter((name) => isRootField(current, name)) : undecidedFields(current, policy);
  return {
    added: added.sort(),
    removed: [...ours.keys()].filter((name) => !theirs.has(name)).sort(),
    changed: [...ours]
      .filter(([name, text]) => theirs.has(name) && theirs.get(name) !== text)
      .map(([name]) => name)
      .sort(),
    undecided: [...undecided].sort(),
  };
}

/** Returns the lines of a policy that name nothing in a schema. */
export function missingIn(schema: GraphQLSchema, policy: Policy): string[] {
  const known = signaturesOf(schema);
  return policy.names.filter((name) => !known.has(name)).sort();
}

function isRootField(schema: GraphQLSchema, name: string): boolean {
  const [type] = name.split('.');
  return (
    name.includes('.') &&
    [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].some((root) => root?.name === type)
  );
}

/** Returns a text for each part of a schema, which differs if callers see another part. */
function signaturesOf(schema: GraphQLSchema): Map<string, string> {
  const signatures = new Map<string, string>();
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type) || isSpecifiedScalarType(type)) continue;
    const { name } = type;
    signatures.set(name, type.constructor.name);
    if (isObjectType(type) || isInterfaceType(type)) {
      for (const field of Object.values(type.getFields())) {
        const args = field.args.map((arg) => `${arg.name}: ${String(arg.type)}`).sort();
        signatures.set(`${name}.${field.name}`, `(${args.join(', ')}): ${String(field.type)}`);
      }
    } else if (isInputObjectType(type)) {
      for (const field of Object.values(type.getFields())) signatures.set(`${name}.${field.name}`, String(field.type));
    } else if (isEnumType(type)) {
      for (const value of type.getValues()) signatures.set(`${name}.${value.name}`, 'value');
    } else if (isUnionType(type)) {
      signatures.set(
        name,
        type
          .getTypes()
          .map((member) => member.name)
          .sort()
          .join(' | '),
      );
    }
  }
  // Latchkey's own scalar is only part of annotated schemas.
  signatures.delete('Scope');
  return signatures;
}
