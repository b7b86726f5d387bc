import type { Applied } from '../appliedDirectives.js';

interface Linked<Kind extends string> {
  /** The directives, by the names of their specification. */
  readonly kinds: readonly Kind[];
  /** Matches the URL of a `@link` to a specification that defines some of them. Its first group is the default prefix. */
  readonly specification: RegExp;
}

/**
 * Returns the names of directives in a schema: their own names, the names with the prefix of their `@link`, such as
 * `@federation__requiresScopes`, and the names under which the `@link` imports them.
 *
 * @param ofSchema the directives of the schema itself
 */
export function linkedNames<Kind extends string>(
  ofSchema: readonly Applied[],
  { kinds, specification }: Linked<Kind>,
): Map<string, Kind> {
  const names = new Map<string, Kind>(kinds.map((kind) => [kind, kind]));
  for (const { args } of ofSchema) {
    // @link itself can be imported under another name, so its arguments decide.
    const linked = typeof args?.url === 'string' ? specification.exec(args.url)?.[1] : undefined;
    if (args === null || linked === undefined) continue;
    const prefix = typeof args.as === 'string' ? args.as : linked;
    const own = kinds.find((kind) => kind === linked);
    if (own !== undefined) names.set(prefix, own);
    for (const kind of kinds) names.set(`${prefix}__${kind}`, kind);
    for (const [name, alias] of importsOf(args.import)) {
      const kind = kinds.find((one) => `@${one}` === name);
      if (kind !== undefined) names.set(alias.replace(/^@/, ''), kind);
    }
  }
  return names;
}

function importsOf(given: unknown): (readonly [name: string, alias: string])[] {
  if (!Array.isArray(given)) return [];
  return given.flatMap((item: unknown): (readonly [string, string])[] => {
    if (typeof item === 'string') return [[item, item]];
    const { name, as = name } = { ...(item as object) } as { readonly name?: unknown; readonly as?: unknown };
    return typeof name === 'string' && typeof as === 'string' ? [[name, as]] : [];
  });
}
