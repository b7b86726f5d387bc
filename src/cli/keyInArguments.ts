import { TOKEN_PATTERN } from '../core/keys/token.js';
import { usage, type Failure } from './exit.js';
import { KEY_FORMS, namesKey } from './keyName.js';

/** Options that users may try with a key. `--key` of `explain` takes an ID or a lookup ID. */
const FOR_A_KEY = /^--?(api-?key|token|secret|bearer|password|authorization|admin-?api-?key)(=|$)/i;

/** Returns whether an argument, with the next one, is the option `--key` with a value that may be a key itself. */
function isUnknownKey(argument: string, next: string | undefined): boolean {
  if (argument !== '--key' && !argument.startsWith('--key=')) return false;
  const value = argument === '--key' ? next : argument.slice('--key='.length);
  return value !== undefined && !namesKey(value);
}

function unknownKey(): Failure {
  return usage(
    `--key takes the ID or lookup ID of a key. ${KEY_FORMS} The value is not shown here, because it may be a secret. ` +
      'If it is the key itself, other users can see it in the list of processes: treat it as leaked and rotate it.',
  );
}

/**
 * A key in the arguments is visible in the list of processes, to every user of the machine, and in the shell's history. The error says so
 * and doesn't repeat the key.
 *
 * @returns null if there is none
 */
export function keyInArguments(args: readonly string[]): Failure | null {
  const found = args.some((argument) => argument.match(TOKEN_PATTERN) !== null || FOR_A_KEY.test(argument));
  if (!found) return args.some((argument, i) => isUnknownKey(argument, args[i + 1])) ? unknownKey() : null;
  if (args[0] === 'keys' && args[1] === 'find') {
    return usage(
      "A token can't be an argument, because it would be visible in the list of processes and in the shell's history. " +
        'Write it to standard input: latchkey keys find - < token.txt. If the token is valid, revoke or rotate its key.',
    );
  }
  return usage(
    "A key can't be an argument, because it would be visible in the list of processes and in the shell's history. " +
      'Set LATCHKEY_API_KEY, or write the key to standard input and give --key-stdin. ' +
      'If it is a valid key, treat it as leaked and rotate it.',
  );
}
