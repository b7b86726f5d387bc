import { SettingsError } from '../../shared/settings/error.js';
import { isQuoted } from '../../shared/settings/quotes.js';
import { OPTIONS, SECRET_OPTIONS, type Option, type OptionName, type ValueOf } from './options.js';
import { secretFrom, shownPath, type Environment, type Given } from './secretFile.js';

/** Returns the text of a setting. A secret can also be in the file that `NAME_FILE` names. @throws SettingsError */
export function givenOption(name: OptionName, environment: Environment): Given {
  return SECRET_OPTIONS.includes(name)
    ? secretFrom(environment, name, (what) => new SettingsError(what))
    : { text: environment[name], file: null };
}

/** Returns a setting from the environment, or undefined if it is not set. @throws SettingsError */
export function readOptionOf<Name extends OptionName>(name: Name, environment: Environment): ValueOf<Name> | undefined {
  const { text, file } = givenOption(name, environment);
  return readOption(name, text, file === null ? name : `${name}_FILE is ${shownPath(file)}, whose content`);
}

/** Parses a value. @param label the name of its source, for errors @throws SettingsError */
export function readOption<Name extends OptionName>(
  name: Name,
  text: string | undefined,
  label: string = name,
): ValueOf<Name> | undefined {
  if (text === undefined) return undefined;
  const { schema, allowed, secret } = OPTIONS[name] as Option<ValueOf<Name>>;
  const fault = (what: string) => new SettingsError(`${label} ${what}. Allowed: ${allowed}.`);
  // An empty value is usually a secret that is missing by mistake, and rarely means the default.
  if (text.trim() === '') throw fault('is empty; unset it or give it a value');
  const result = schema.safeParse(text);
  if (result.success) return result.data;
  for (const [what, bare] of surroundings(text)) {
    if (schema.safeParse(bare).success) throw fault(`has ${what} around its value; remove them`);
  }
  const [issue] = result.error.issues;
  const { message = 'is not allowed' } = issue ?? {};
  if (secret === true) throw fault(message);
  const item = issue?.code === 'custom' ? (issue.params?.item as string | undefined) : undefined;
  // For a list, show only the invalid item.
  const shown = item === undefined || item === text ? `is ${quoted(text)}` : `has ${quoted(item)}`;
  throw fault(`${shown}, which ${message}`);
}

/** Returns warnings about values with quotes, which `docker run --env-file` and other tools keep. They contain no value. */
export function quotedOptions(environment: Environment): readonly string[] {
  return (Object.keys(OPTIONS) as OptionName[])
    .filter((name) => {
      const { text = '' } = givenOption(name, environment);
      return isQuoted(text) || text.split(',').some(isQuoted);
    })
    .map(
      (name) =>
        `${name} has quotes around its value, and they are part of it. Remove them. docker run --env-file keeps quotes.`,
    );
}

/** Yields the characters that surround a value, probably by mistake, and the value without them. */
function* surroundings(text: string): Generator<readonly [string, string]> {
  const bare = text.trim();
  if (bare !== text) yield ['blanks', bare];
  if (isQuoted(bare)) yield ['quotes', bare.slice(1, -1).trim()];
}

/** Quotes and shortens a value. Leaves out the user of an address, because a password can follow it. */
function quoted(text: string): string {
  return JSON.stringify(text.replace(/\/\/[^\s,]*@/g, '//***@').slice(0, 100));
}
