import { isSchema } from 'graphql';
import { isPlainObject, optionError } from '../../shared/optionChecks.js';

type Form = readonly [isAllowed: (value: unknown) => boolean, allowed: string];

const trueOrFalse: Form = [(value) => typeof value === 'boolean', 'true or false'];
const aFunction: Form = [(value) => typeof value === 'function', 'a function'];
const anObject: Form = [isPlainObject, 'an object'];
const CACHE_METHODS = ['get', 'set', 'delete'];
const LOGGER_METHODS = ['debug', 'info', 'warn', 'error'];
const HEADERS = 'true, false, or an object with requestHeaders, a list of names of header fields';

/** The allowed forms of Apollo Server's options. `rootValue` can be anything. */
const FORMS: Readonly<Record<string, Form>> = {
  schema: [isSchema, 'the GraphQLSchema that latchkey.guard returned, of the graphql module in use here'],
  plugins: [isListOf(isPlugin), 'a list of plugins'],
  validationRules: [isListOf((item) => typeof item === 'function'), 'a list of functions'],
  parseOptions: anObject,
  validationOptions: anObject,
  executionOptions: anObject,
  formatError: aFunction,
  stringifyResult: aFunction,
  csrfPrevention: [isCsrfPrevention, HEADERS],
  introspection: trueOrFalse,
  hideSchemaDetailsFromClientErrors: trueOrFalse,
  stopOnTerminationSignals: trueOrFalse,
  status400ForVariableCoercionErrors: trueOrFalse,
  maxRecursiveSelections: [
    (value) => typeof value === 'boolean' || (Number.isSafeInteger(value) && (value as number) >= 1),
    'true, false, or an integer of at least 1',
  ],
  nodeEnv: [(value) => typeof value === 'string', 'a string'],
  apollo: anObject,
  cache: [
    (value) => value === 'bounded' || hasMethods(value, CACHE_METHODS),
    `"bounded", or an object with the methods ${CACHE_METHODS.join(', ')}`,
  ],
  documentStore: [
    (value) => value === null || hasMethods(value, CACHE_METHODS),
    `null, or an object with the methods ${CACHE_METHODS.join(', ')}`,
  ],
  persistedQueries: [
    (value) => value === false || isObjectOf(value, ['cache', 'ttl']),
    'false, or an object with cache and ttl',
  ],
  logger: [(value) => hasMethods(value, LOGGER_METHODS), `an object with the methods ${LOGGER_METHODS.join(', ')}`],
};

/**
 * Checks that each option of Apollo Server has the right form.
 *
 * @throws TypeError
 */
export function checkApolloForms(own: Readonly<Record<string, unknown>>): void {
  for (const [name, [isAllowed, allowed]] of Object.entries(FORMS)) {
    if (own[name] !== undefined && !isAllowed(own[name])) {
      throw optionError(`apolloOptions: ${name}`, own[name], allowed);
    }
  }
}

function isListOf(isItem: (value: unknown) => boolean): (value: unknown) => boolean {
  // Array.from, because every skips holes.
  return (value) => Array.isArray(value) && Array.from(value as unknown[]).every(isItem);
}

/** A plugin can be an instance of a class. */
function isPlugin(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !hasMethods(value, ['then']);
}

function isCsrfPrevention(value: unknown): boolean {
  if (typeof value === 'boolean') return true;
  if (!isObjectOf(value, ['requestHeaders'])) return false;
  const { requestHeaders } = value as { requestHeaders?: unknown };
  return requestHeaders === undefined || isListOf((item) => typeof item === 'string' && item !== '')(requestHeaders);
}

function isObjectOf(value: unknown, names: readonly string[]): boolean {
  return isPlainObject(value) && Reflect.ownKeys(value).every((name) => names.includes(String(name)));
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');
}
