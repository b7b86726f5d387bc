import { z } from 'zod';
import { fileSchema } from '../../src/server/settings/fileSchema.js';
import { OPTIONS, type Option } from '../../src/server/settings/options.js';
import { PROXY_VARIABLES } from '../../src/shared/settings/proxyVariables.js';
import { code, head, seePage, table } from './markdown.js';

/** Returns docs/reference/settings.md: every variable, and every key of latchkey.yaml. */
export function settingsPage(): string {
  return [
    head('Settings', 'src/server/settings'),
    'Settings come from the environment, and from the file that `LATCHKEY_CONFIG` names ([configuration.md](../how-to/configuration.md)). ' +
      'If values are invalid, the server does not start, and prints one line for each with the allowed values. An empty value is invalid, too.\n',
    '## Environment\n',
    table(['variable', 'default', '', 'allowed'], Object.entries(OPTIONS).map(optionRow)),
    'Latchkey also reads the variables of OpenTelemetry: traces are sent to `OTEL_EXPORTER_OTLP_ENDPOINT` or ' +
      '`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` ([operations.md](../how-to/operations.md#what-to-monitor)). `NODE_ENV=production` ' +
      'changes the default of `REQUIRE_HTTPS`, and refuses plain-text keys in the configuration file.\n',
    '### Outgoing proxies\n',
    table(
      ['variable', '', 'allowed'],
      PROXY_VARIABLES.map(([name, ...rest]) => [code(name), ...rest]),
    ),
    'These variables apply to requests to the [issuer of access tokens](../how-to/oidc.md#behind-an-outgoing-proxy), to the ' +
      '[command line](../how-to/cli.md#behind-an-outgoing-proxy) and to the [client on Node](../how-to/client.md#behind-an-outgoing-proxy). The lower-case ' +
      'name of a variable (`https_proxy`) takes precedence. An empty variable counts as not set. Escape special characters in a user name ' +
      'or password, as in `p%40ss`. Connections to loopback addresses, MongoDB, Redis and the trace collector never use a proxy.\n',
    '## latchkey.yaml\n',
    '`[]` stands for each entry of a list, `<NAME>` for a name that you choose, and `<TYPE>` and `<TIER>` for an existing one. `${NAME}` in a ' +
      'value is replaced with that [variable](../how-to/configuration.md#variables).\n',
    ...Object.entries<z.core.$ZodType>(fileSchema.shape).map(
      ([name, schema]) => `### ${name}\n\n${table(['key', 'default', '', 'allowed'], keyRows(name, schema))}`,
    ),
  ].join('\n');
}

function optionRow([name, option]: readonly [string, Option<unknown>]): string[] {
  const { about, default: value, unset = '', allowed, page } = option;
  return [code(name), value === undefined ? unset : code(value), about + seePage(page), allowed];
}

/** The note on the schema of a key: see src/server/settings/fileSchema.ts. */
interface Note {
  readonly about?: string;
  readonly unset?: string;
  readonly each?: string;
  readonly of?: z.core.$ZodType;
}

/** The key itself if it has a note, and the keys below it. */
function keyRows(path: string, outer: z.core.$ZodType): string[][] {
  const schema = outer instanceof z.ZodOptional ? outer.unwrap() : outer;
  const { about, unset = 'none' } = noteOf(outer);
  const otherwise = schema === outer ? 'required' : unset;
  // Keys with names that the user chooses.
  if (schema instanceof z.ZodRecord) {
    return [[code(`${path}.<NAME>`), otherwise, about ?? '', allowedBy(schema.valueType)]];
  }
  const own = about === undefined ? [] : [[code(path), otherwise, about, allowedBy(schema)]];
  return [...own, ...rowsBelow(path, schema)];
}

function rowsBelow(path: string, schema: z.core.$ZodType): string[][] {
  if (schema instanceof z.ZodArray) return rowsBelow(`${path}[]`, schema.element);
  if (!(schema instanceof z.ZodObject)) return [];
  const { each, of } = noteOf(schema);
  const entries = Object.entries<z.core.$ZodType>(schema.shape);
  // All of them have the same schema, so one is enough.
  const one = of ?? entries[0]?.[1];
  const shown = each === undefined || one === undefined ? entries : [[`<${each}>`, one] as const];
  return shown.flatMap(([name, item]) => keyRows(`${path}.${name}`, item));
}

function noteOf(schema: z.core.$ZodType): Note {
  return (z.globalRegistry.get(schema) ?? {}) as Note;
}

/** Returns the part of the error for a value that is not allowed. */
function allowedBy(schema: z.core.$ZodType): string {
  const { error } = z.safeParse(schema, Symbol('none'));
  return /Allowed: (.*)\.$/.exec(error?.issues[0]?.message ?? '')?.[1] ?? '';
}
