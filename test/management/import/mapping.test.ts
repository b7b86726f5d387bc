import { ImportFault } from '../../../src/management/import/importFault.js';
import { mappingOf } from '../../../src/management/import/mapping.js';
import { nested, VALIDATOR, WRONG } from '../../support/validator.js';

const faultOf = (content: unknown): string | null => {
  try {
    mappingOf('sha256', content);
    return null;
  } catch (error) {
    expect(error).toBeInstanceOf(ImportFault);
    return (error as ImportFault).message;
  }
};

describe('N18: says what is wrong with a mapping', () => {
  it.each<[unknown, string]>([
    [null, 'The mapping is null. Allowed: a map with columns, ignore, lookup,'],
    ['text', 'The mapping is "text". Allowed: a map with columns,'],
    [{ dats: 'iso' }, 'Mapping: the key dats is not known. Allowed: a map with columns,'],
    [{ dates: 'unix' }, 'Mapping: dates is "unix". Allowed: iso, seconds, milliseconds. See docs/how-to/migrating.md.'],
    [{ dates: ['iso'] }, 'Mapping: dates is a list. Allowed: iso, seconds, milliseconds.'],
    [{ type: 'secret' }, 'Mapping: type is "secret". Allowed: SECRET, CLIENT, READ_ONLY.'],
    [{ columns: { hash: 'x' } }, 'Mapping: the key columns.hash is not known. Allowed: a map with digest,'],
    [{ columns: { expires: 7 } }, 'Mapping: columns.expires is 7. Allowed: a string of 1 to 200 characters, or null.'],
    [{ lookup: { prefix: 1 } }, 'Mapping: lookup.prefix is 1. Allowed: { prefix: <a whole number from 4 to 128> }'],
    [{ lookup: { prefix: 8, until: '.' } }, 'Mapping: lookup is an object. Allowed: { prefix: '],
    [{ lookup: { until: '::' } }, 'Mapping: lookup.until is "::". Allowed: '],
    [{ scopes: { a: ['x', 7] } }, 'Mapping: scopes.a.1 is 7. Allowed: '],
    [{ scopes: { 'a b': {} } }, 'Mapping: scopes."a b" is an object. Allowed: a scope, or a list'],
    [
      { owners: { a: { usr: 'x' } } },
      'Mapping: the key owners.a.usr is not known. Allowed: a map with workspace, user.',
    ],
    [JSON.parse('{"columns":{"__proto__":"x"}}'), 'Mapping: the key columns.__proto__ is not known.'],
    [JSON.parse('{"scopes":{"__proto__":"admin"}}'), 'Mapping: the key scopes.__proto__ is not known.'],
  ])('%j', (content, said) => {
    expect(faultOf(content)).toContain(said);
  });

  const PATHS: readonly (readonly (string | 0)[])[] = [
    [],
    ...['columns', 'ignore', 'lookup', 'hashed', 'scopes', 'defaultScopes', 'owners'].map((name) => [name]),
    ...['type', 'environment', 'dates', 'limitedUses'].map((name) => [name]),
    ...[
      ['columns', 'digest'],
      ['ignore', 0],
      ['lookup', 'prefix'],
      ['lookup', 'until'],
      ['scopes', 'a'],
    ],
    ...[
      ['scopes', 'a', 0],
      ['defaultScopes', 0],
      ['owners', 'a'],
      ['owners', 'a', 'workspace'],
      ['owners', 'a', 'user'],
    ],
  ] as (string | 0)[][];
  it.each(PATHS.map((path) => [path.join('.'), path] as const))('in "%s", whatever its value', (_name, path) => {
    const faults = WRONG.map((value) => faultOf(nested(path, value))).filter((fault) => fault !== null);
    expect(faults.length).toBeGreaterThan(5);
    for (const fault of faults) {
      expect(fault).not.toMatch(VALIDATOR);
      expect(fault.length).toBeLessThan(500);
    }
  });
});

test('a mapping with several faults shows all of them', () => {
  expect(faultOf({ type: 'X', dates: 7, colums: {}, scopes: { a: 7 } })?.split('\n')).toEqual([
    expect.stringContaining('scopes.a is 7'),
    expect.stringContaining('type is "X"'),
    expect.stringContaining('dates is 7'),
    expect.stringContaining('the key colums is not known'),
  ]);
});
