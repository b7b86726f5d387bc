import type * as Yaml from 'yaml';

/** The maximum number of values in a document with expanded aliases. A typical file has fewer than a thousand. */
const MAX_VALUES = 50_000;

/** The maximum number of aliases. The yaml package searches the whole document for each. */
const MAX_ALIASES = 1_000;

/** An invalid alias: its offset and what is wrong with it. */
interface AliasFault {
  readonly offset: number;
  /** Completes "an alias that …". */
  readonly fault: string;
}

/** The size of a node with expanded aliases. */
interface Extent {
  readonly values: number;
  readonly levels: number;
}

type Kinds = Pick<typeof Yaml, 'isAlias' | 'isNode' | 'isPair' | 'isScalar' | 'isCollection'>;

/**
 * Finds an alias that must not be expanded. An alias inside its own anchor would never end, and a few aliases that refer to
 * each other ("billion laughs") would fill the memory.
 *
 * @param maxDepth the maximum number of nested maps and lists
 * @returns null if all aliases can be expanded
 */
export function findAliasFault(contents: unknown, maxDepth: number, kinds: Kinds): AliasFault | null {
  let found: AliasFault | null = null;
  let aliases = 0;
  /** Sizes by anchor; null if the node with this anchor is being measured. */
  const anchors = new Map<string, Extent | null>();
  const refuse = (offset: number, fault: string): Extent => {
    found ??= { offset, fault };
    return { values: 1, levels: 0 };
  };
  const measureAlias = (alias: Yaml.Alias): Extent => {
    const at = alias.range?.[0] ?? 0;
    aliases += 1;
    if (aliases > MAX_ALIASES) return refuse(at, `is one of more than ${MAX_ALIASES}`);
    const extent = anchors.get(alias.source);
    if (extent === undefined) return refuse(at, 'names no anchor before it');
    return extent ?? refuse(at, 'refers to a value that it is part of');
  };
  const measure = (node: unknown, level: number): Extent => {
    if (found !== null) return { values: 1, levels: 0 };
    if (kinds.isAlias(node)) {
      const extent = measureAlias(node);
      return level + extent.levels > maxDepth
        ? refuse(node.range?.[0] ?? 0, `makes more than ${maxDepth} levels`)
        : extent;
    }
    const anchor = kinds.isCollection(node) || kinds.isScalar(node) ? node.anchor : undefined;
    if (anchor !== undefined) anchors.set(anchor, null);
    let values = 1;
    let levels = 0;
    const add = (child: unknown, deeper: number): void => {
      const extent = measure(child, level + deeper);
      values += extent.values;
      levels = Math.max(levels, extent.levels + deeper);
      // Without aliases, the maximum file size is a sufficient limit.
      if (values > MAX_VALUES && aliases > 0 && kinds.isNode(child))
        refuse(child.range?.[0] ?? 0, `makes more than ${MAX_VALUES} values`);
    };
    if (kinds.isCollection(node)) {
      for (const item of node.items) {
        if (!kinds.isPair(item)) add(item, 1);
        else for (const part of [item.key, item.value]) add(part, 1);
      }
    }
    const extent = { values, levels };
    if (anchor !== undefined) anchors.set(anchor, extent);
    return extent;
  };
  measure(contents, 0);
  return found;
}
