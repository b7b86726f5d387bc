import { Kind, parse, type FieldNode } from 'graphql';
import { conditionsOf } from '../../../src/core/guard/conditions.js';

/** The included fields of the operation, and the cache key. */
function look(source: string, variables: Record<string, unknown> = {}): { names: string[]; key: string } {
  const document = parse(source);
  const [operation] = document.definitions;
  if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('The source begins with its operation.');
  const conditions = conditionsOf(document, operation, variables);
  const fields = operation.selectionSet.selections as FieldNode[];
  return {
    key: conditions.key,
    names: fields.filter((field) => conditions.includes(field)).map(({ name }) => name.value),
  };
}

describe('conditionsOf', () => {
  it('includes everything under one key without conditions, whatever the variables', () => {
    expect(look('query ($v: Boolean) { a(x: $v) b }', { v: true })).toEqual({ names: ['a', 'b'], key: '' });
    expect(look('query ($v: Boolean) { a(x: $v) b }', { v: false }).key).toBe('');
  });

  it('evaluates literals', () => {
    const source = '{ a @skip(if: true) b @skip(if: false) c @include(if: true) d @include(if: false) }';
    expect(look(source).names).toEqual(['b', 'c']);
  });

  it('leaves a field out if one of both conditions does', () => {
    const source =
      '{ a @skip(if: true) @include(if: true) b @skip(if: false) @include(if: false) c @skip(if: false) @include(if: true) }';
    expect(look(source).names).toEqual(['c']);
  });

  it.each([
    ['$v: Boolean!', { v: true }, false],
    ['$v: Boolean!', { v: false }, true],
    ['$v: Boolean! = true', {}, false],
    ['$v: Boolean! = true', { v: false }, true],
    ['$v: Boolean = false', {}, true],
    ['$v: Boolean = false', { v: true }, false],
    // Not a boolean: execution rejects it, and the guard must check the field.
    ['$v: Boolean!', {}, true],
    ['$v: Boolean! = true', { v: null }, true],
    ['$v: Boolean!', { v: 'true' }, true],
    ['$v: Boolean!', { v: 1 }, true],
    ['$v: Boolean!', Object.create({ v: true }) as Record<string, unknown>, true],
  ])('(%s) given %j: @skip(if: $v) includes: %s', (declared, variables, included) => {
    expect(look(`query (${declared}) { a @skip(if: $v) b }`, variables).names.includes('a')).toBe(included);
  });

  it('ignores other directives, and @skip without a condition', () => {
    expect(look('{ a @other(if: true) b @skip c @skip(unless: true) }').names).toEqual(['a', 'b', 'c']);
  });

  it('returns equal keys for equal results, and different keys otherwise', () => {
    const source = 'query ($v: Boolean!, $w: Boolean!, $x: Int) { a(x: $x) @skip(if: $v) b @include(if: $w) }';
    const key = (variables: Record<string, unknown>) => look(source, variables).key;
    const keys = [true, false, null].flatMap((v) => [true, false, null].map((w) => key({ v, w })));
    expect(new Set(keys).size).toBe(9);
    expect(key({ v: true, w: false, x: 1 })).toBe(key({ v: true, w: false, x: 2 }));
  });
});
