import { Command } from 'commander';

export interface Described {
  /** The name, with its arguments where they need no more words. */
  readonly name: string;
  /** Sentences. The first is what the list of commands shows. */
  readonly description: string;
  /** A whole line that can be pasted. */
  readonly example: string;
}

/** A command that says how it is used. */
export function described({ name, description, example }: Described): Command {
  return new Command(name)
    .description(description)
    .summary(firstOf(description))
    .addHelpText('after', `\nExample:\n${indented(example)}`);
}

/** A command of commands. */
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
