import type { Command } from 'commander';
import { described, group } from '../describe.js';
import { asking, type AskingOptions } from '../commandOptions.js';
import { talk } from '../talk.js';
import { visibleLines } from '../visibleText.js';

export function schemaCommand(): Command {
  const print = described({
    name: 'print',
    description:
      'Print the part of the schema that your key may read, with its directives. Without a key, print the public part.',
    example: 'latchkey schema print > schema.graphql',
  }).action(async (options: AskingOptions) => {
    await talk(
      options,
      async ({ read, show }) => {
        const schema = await read('schema.graphql');
        await assertSchema(schema);
        show({ schema }, () => visibleLines(schema).trimEnd());
      },
      { keyless: true },
    );
  });
  return group('schema', 'Print the schema of the API.', [asking(print)]);
}

/** @throws UnexpectedAnswer if the text is something else, such as a page in HTML */
async function assertSchema(text: string): Promise<void> {
  const [{ parse }, { UnexpectedAnswer }] = await Promise.all([import('graphql'), import('../unexpected.js')]);
  try {
    parse(text, { noLocation: true });
  } catch {
    throw new UnexpectedAnswer('is not a GraphQL schema');
  }
}
