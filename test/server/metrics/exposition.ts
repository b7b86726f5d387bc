/** Metrics in Prometheus' exposition format, parsed and validated. */
export interface Exposition {
  /** Values by the name with labels, as written. */
  readonly series: ReadonlyMap<string, number>;
  /** Types by the name of the metric. */
  readonly types: ReadonlyMap<string, string>;
  readonly helps: ReadonlyMap<string, string>;
  /** @returns the value of a series; 0 if it is missing */
  readonly value: (name: string, labels?: Readonly<Record<string, string>>) => number;
}

const SERIES = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$/;

/** @throws Error for text that Prometheus would reject, and for our metric names that promtool's linter rejects */
export function parseExposition(text: string): Exposition {
  if (!text.endsWith('\n')) throw new Error('The last line has no end.');
  const series = new Map<string, number>();
  const types = new Map<string, string>();
  const helps = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (kind !== undefined) {
      const seen = kind === 'HELP' ? helps : types;
      if (seen.has(name)) throw new Error(`${kind} of ${name} stands twice.`);
      seen.set(name, rest);
      continue;
    }
    const [, of = '', labels = '', number = ''] = SERIES.exec(line) ?? [];
    if (of === '') throw new Error(`This is no line of the format: ${line}`);
    const metric = types.has(of) ? of : of.replace(/_(?:bucket|sum|count)$/, '');
    if (!types.has(metric) || !helps.has(metric)) throw new Error(`${of} has no HELP or TYPE before it.`);
    const key = keyOf(of, labels === '' ? [] : labels.replace(/,$/, '').split(/,(?=[a-zA-Z_]\w*=")/));
    if (series.has(key)) throw new Error(`${key} stands twice.`);
    if (Number.isNaN(Number(number)) && number !== 'Nan') throw new Error(`${key} is ${number}.`);
    series.set(key, Number(number));
  }
  for (const [name, type] of types) {
    if (!name.startsWith('latchkey_')) continue;
    if ((type === 'counter') !== name.endsWith('_total')) throw new Error(`${name} is a ${type}.`);
    if (type === 'histogram' && !name.endsWith('_seconds')) throw new Error(`${name} has no unit.`);
  }
  return {
    series,
    types,
    helps,
    value: (name, labels = {}) =>
      series.get(
        keyOf(
          name,
          Object.entries(labels).map(([label, value]) => `${label}="${value}"`),
        ),
      ) ?? 0,
  };
}

function keyOf(name: string, labels: readonly string[]): string {
  return `${name}{${[...labels].sort().join(',')}}`;
}
