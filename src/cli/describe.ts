import { Command } from 'commander';

interface Described {
  /** The name, with its arguments if they need no description. */
  readonly name: string;
  /** One or more sentences. The list of commands shows the first one. */
  readonly description: string;
  /** A complete line that can be pasted. */
  readonly example: string;
}

/** Creates a command with a description and an example. */
export function described({ name, description, example }: Described): Command {
  return new Command(name)
    .description(description)
    .summary(firstOf(description))
    .addHelpText('after', `\nExample:\n${indented(example)}`);
}

/** Creates a command with subcommands. */
export function group(name: string, description: string, commands: readonly Command[]): Command {
  const made = new Command(name).description(description).summary(firstOf(description));
  for (const command of commands) made.addCommand(command);
  return made.helpCommand(false);
}

function firstOf(sentences: string): string {
  return (sentences.split(/(?<=\.)\s/)[0] ?? '').replace(/\.$/, '');
}

function indented(text: string): string {
  return text.replace(/^/gm, '  ');
}
