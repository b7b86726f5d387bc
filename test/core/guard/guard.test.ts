import { printSchema } from 'graphql';
import { assertGuarded, guardSchema } from '../../../src/core/guard/guard.js';
import { readRules } from '../../../src/core/guard/readRules.js';
import { GuardError } from '../../../src/core/guard/rules.js';
import { faultsOf, ownSchema } from '../../bypass/own.js';

const SDL = `type Query {
  "Reports of this month."
  reports: [Report!] @auth(scope: [["read:reports"], ["admin"]])
  viewer: Int @auth
  open: Int @public
}
type Report { id: ID salary: Int @auth(scope: "read:salaries") }`;

describe('guardSchema', () => {
  it('changes the schema in place, and returns it', () => {
    const schema = ownSchema(SDL);
    expect(guardSchema(schema)).toBe(schema);
    expect(assertGuarded(schema)).toEqual(readRules(schema));
  });

  it('adds the requirement to the descriptions of guarded fields once', () => {
    const schema = guardSchema(guardSchema(ownSchema(SDL)));
    const fields = schema.getQueryType()?.getFields();
    expect(fields?.reports?.description).toBe('Reports of this month.\n\nRequires `read:reports`, or `admin`.');
    expect(fields?.viewer?.description).toBe('Requires a valid API key.');
    expect(fields?.open?.description).toBeUndefined();
    expect(printSchema(schema)).toContain('"""Requires `read:salaries`."""');
  });

  it('leaves an invalid schema unchanged', () => {
    const schema = ownSchema(`${SDL} extend type Query { undecided: Int }`);
    const before = printSchema(schema);
    expect(() => guardSchema(schema)).toThrow(GuardError);
    expect(printSchema(schema)).toBe(before);
    expect(schema.getQueryType()?.getFields().viewer?.resolve).toBeUndefined();
  });
});

describe('assertGuarded', () => {
  it('names every field without its guard', () => {
    const places = faultsOf(() => assertGuarded(ownSchema(SDL))).map((fault) => fault.split(':')[0]);
    expect(places).toEqual(['Query.reports', 'Query.viewer', 'Report.salary']);
  });

  it('uses the actions that the schema was guarded with', () => {
    const schema = ownSchema('type Query { a: Int @auth(scope: "deploy:a") }');
    guardSchema(schema, { actions: ['deploy'] });
    expect(assertGuarded(schema).scopes).toContain('deploy:a');
    const another = ownSchema('type Query { a: Int @auth(scope: "deploy:a") }');
    expect(faultsOf(() => assertGuarded(another))).toEqual([expect.stringContaining('unknown action "deploy"')]);
    expect(faultsOf(() => assertGuarded(another, { actions: ['deploy'] }))).toEqual([
      expect.stringContaining('Query.a: its rule is not enforced'),
    ]);
  });
});
