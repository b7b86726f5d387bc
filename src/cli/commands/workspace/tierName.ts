import { Argument, InvalidArgumentError, Option } from 'commander';
import { isTierName } from '../../../core/limits/tierNames.js';

// Only the server knows its tiers, so they are not choices.

export function tierArgument(name: string, description: string): Argument {
  return new Argument(name, description).argParser(tierIn);
}

export function tierOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser(tierIn);
}

/** Returns the name of a tier in the API: FREE_TRIAL for free-trial. */
function tierIn(text: string): string {
  const name = text.toUpperCase().replaceAll('-', '_');
  if (!isTierName(name)) throw new InvalidArgumentError('It is not the name of a tier. latchkey tiers lists them.');
  return name;
}
