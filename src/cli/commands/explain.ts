import type { Command } from 'commander';
import { alteredInText } from '../../shared/numbers/jsonNumbers.js';
import { described } from '../describe.js';
import { EXIT, usage } from '../exit.js';
import { readNamed, textIn } from '../files.js';
import { keyNameIn } from '../keyName.js';
import { operation } from '../typedOperation.js';
import { asking, type AskingOptions } from '../commandOptions.js';
import { talk } from '../talk.js';
import { found } from './keys/key.js';
import { keyIdOf } from './keys/keyId.js';
import { LIMITS, limitLines, type Limits } from './limitLines.js';

/** More than a Latchkey server accepts. */
const MAX_BYTES = 1_048_576;

interface Explanation {
  readonly allowed: boolean;
  readonly reasons: readonly string[];
  readonly errors: readonly {
    readonly message: string;
    readonly line: number | null;
    readonly column: number | null;
  }[];
  readonly fields: readonly {
    readonly coordinate: string;
    readonly path: readonly string[];
    readonly allowed: boolean;
    readonly requires: readonly (readonly string[])[];
    readonly missing: readonly string[];
  }[];
  readonly missingScopes: readonly string[];
  readonly cost: number | null;
  readonly estimate: {
    readonly cost: number;
    readonly max: number | null;
    readonly fields: readonly { readonly coordinate: string; readonly cost: number }[];
  } | null;
  readonly room: Limits;
  readonly limited: boolean;
  readonly retryAfter: string | null;
}

interface ExplainVariables {
  readonly key: string;
  readonly document: string;
  readonly operation: string | null;
  readonly variables: unknown;
}

const EXPLAIN = operation<{ readonly explainAccess: Explanation | null }, ExplainVariables>(
  `query Explain($key: ID!, $document: String!, $operation: String, $variables: JSON) {
    explainAccess(keyId: $key, document: $document, operationName: $operation, variables: $variables) {
      allowed reasons
      errors { message line column }
      fields { coordinate path allowed requires missing }
      missingScopes cost
      estimate { cost max fields { coordinate cost } }
      room { ...Limits }
      limited retryAfter
    }
  }`,
  LIMITS,
);

interface ExplainOptions extends AskingOptions {
  readonly key: string;
  readonly operation?: string;
  readonly variables?: string;
}

export function explainCommand(): Command {
  const command = described({
    name: 'explain',
    description:
      'Show whether a key may run a document, without running it. ' + 'The exit code is 1 if the key would be refused.',
    example: 'latchkey explain dashboard.graphql --key key_7Hq2mZ0aV9tR4xYb',
  })
    .argument('<file.graphql>', 'the document; - reads standard input')
    .requiredOption('--key <id>', 'ID or lookup ID of the key; never the key itself')
    .option('--operation <name>', 'operation to explain, if the document has several')
    .option('--variables <json>', 'variables as a JSON object');
  return asking(command).action(async (file: string, options: ExplainOptions) => {
    if (file === '-' && options.keyStdin === true) {
      throw usage('Standard input cannot be both the document and the key. Give the document as a file.');
    }
    const name = keyNameIn(options.key);
    const asked = {
      operation: options.operation ?? null,
      variables: objectIn(options.variables),
    };
    const document = await readNamed(file === '-' ? 'Standard input' : file, () => textIn(file, MAX_BYTES));
    await talk(options, async ({ ask, show, list, terminal }) => {
      const explanation = found(
        (await ask(EXPLAIN, { ...asked, key: await keyIdOf(ask, name), document })).explainAccess,
        'key',
      );
      show({ explanation }, () => list(terminal, linesOf(explanation)));
      if (!explanation.allowed) process.exitCode = EXIT.failed;
    });
  });
}

function linesOf({ allowed, reasons, errors, fields, missingScopes, cost, estimate, room, retryAfter }: Explanation) {
  const lines: [string, string | null][] = [['Allowed', allowed ? 'yes' : `no: ${reasons.join(', ')}`]];
  for (const { message, line, column } of errors) {
    lines.push(['Error', line === null ? message : `${line}:${column ?? 1} ${message}`]);
  }
  if (missingScopes.length > 0) lines.push(['Missing', missingScopes.join(' ')]);
  for (const { path, coordinate, missing } of fields.filter((field) => !field.allowed)) {
    lines.push(['Refused', `${path.join('.')} (${coordinate}) lacks ${missing.join(' ')}`]);
  }
  lines.push(['Counts as', cost === null ? null : requests(cost)], ...estimateLines(estimate));
  lines.push(...limitLines(room), ['Room in', retryAfter]);
  return lines;
}

const requests = (count: number): string => (count === 1 ? '1 request' : `${count} requests`);

/** The estimate, and the fields with the largest part in it. */
function estimateLines(estimate: Explanation['estimate']): [string, string | null][] {
  if (estimate === null) return [];
  const { cost, max, fields } = estimate;
  const lines = fields.map(({ coordinate, cost: part }): [string, string] => ['', `${coordinate} ${part}`]);
  return [['Estimate', max === null ? `${cost} cost units` : `${cost} of ${max} cost units`], ...lines];
}

function objectIn(text: string | undefined): unknown {
  if (text === undefined) return null;
  let altered: string | null = null;
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      altered = alteredInText(text);
      if (altered === null) return value;
    }
  } catch {
    // Reported below.
  }
  if (altered !== null)
    throw usage(`--variables has a number that JSON cannot keep exactly: ${altered}. Send it as a string.`);
  throw usage('--variables takes a JSON object, as in \'{"first": 10}\'.');
}
