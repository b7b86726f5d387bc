import type { FieldNode } from 'graphql';
import type { Rule } from '../rules.js';

/** The names of the object types that a part applies to; null for every object at this place. */
export type Types = ReadonlySet<string> | null;

/** A field that is omitted, and is null in the response. */
export interface Hole {
  /** Its response key. */
  readonly key: string;
  readonly types: Types;
  /** The denied field: this one, or a field below it that can't be null. */
  readonly node: FieldNode;
  /** The rules that the caller doesn't meet. */
  readonly refused: readonly Rule[];
}

/** The objects at one place of a response, or at several places in a list. */
export interface Level {
  /** The response keys in the order of the document, with those that are left out. */
  readonly keys: Set<string>;
  readonly holes: Hole[];
  /** The fields with holes at any depth. */
  readonly within: { readonly key: string; readonly types: Types; readonly level: Level }[];
}

export function emptyLevel(): Level {
  return { keys: new Set(), holes: [], within: [] };
}

/** Returns whether something is missing in these objects. */
export function hasHoles({ holes, within }: Level): boolean {
  return holes.length > 0 || within.length > 0;
}

/** Returns whether the type of an object decides what is missing. */
export function dependsOnType({ holes, within }: Level): boolean {
  return [...holes, ...within].some(({ types }) => types !== null);
}
