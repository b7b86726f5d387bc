import { Argument, InvalidArgumentError, Option } from 'commander';
import { isTierName, PUBLISHED_TIERS } from '../../../core/limits/tierNames.js';
import { suggest } from '../../commandOptions.js';

// Only the server knows its tiers, so these are not choices. A completion asks it, and must not keep the reader waiting.
const ASK = 'tiers --names --max-wait 1';

export function tierArgument(name: string, description: string): Argument {
  return suggest(new Argument(name, description).argParser(tierIn), PUBLISHED_TIERS, ASK);
}

export function tierOption(flags: string, description: string): Option {
  return suggest(new Option(flags, description).argParser(tierIn), PUBLISHED_TIERS, ASK);
}

/** Returns the name of a tier in the API: FREE_TRIAL for free-trial. */
function tierIn(text: string): string {
  const name = text.toUpperCase().replaceAll('-', '_');
  if (!isTierName(name)) throw new InvalidArgumentError('It is not the name of a tier; latchkey tiers lists them.');
  return name;
}
