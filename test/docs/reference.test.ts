import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { PAGES } from '../../scripts/reference/pages.js';
import { fileSchema } from '../../src/server/settings/fileSchema.js';
import { OPTIONS } from '../../src/server/settings/options.js';
import { PROJECT } from '../support/project.js';
import { startService } from '../support/service.js';
import { documentOf } from '../support/session.js';

// If this fails, run npm run reference.
test.each(Object.entries(PAGES))('%s is equal to what the sources generate', (path, make) => {
  expect(readFileSync(join(PROJECT, path), 'utf8')).toBe(make());
});

const settings = documentOf('docs/reference/settings.md');

test('every variable is listed in the settings', () => {
  for (const name of Object.keys(OPTIONS)) expect(settings).toContain(`| \`${name}\` |`);
});

test('every key of the file is listed in the settings, with its purpose', () => {
  const leaves = leavesOf(fileSchema);
  expect(leaves.length).toBeGreaterThan(25);
  for (const path of leaves)
    expect(settings).toMatch(new RegExp(`^\\| \`${escaped(path)}\` \\| [^|]+ \\| [^|]+ \\|`, 'm'));
});

/** Keys without nested keys, such as `roles.<NAME>`. */
function leavesOf(outer: z.core.$ZodType, path = ''): string[] {
  const schema = outer instanceof z.ZodOptional ? outer.unwrap() : outer;
  if (schema instanceof z.ZodRecord) return [`${path}.<NAME>`];
  if (schema instanceof z.ZodArray && schema.element instanceof z.ZodObject)
    return leavesOf(schema.element, `${path}[]`);
  if (!(schema instanceof z.ZodObject)) return [path];
  return Object.entries<z.core.$ZodType>(schema.shape).flatMap(([name, item]) => {
    const shown = /^(key_types|tiers)$/.test(path) ? `<${path === 'tiers' ? 'TIER' : 'TYPE'}>` : name;
    return leavesOf(item, path === '' ? shown : `${path}.${shown}`);
  });
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

test.each([
  ['{ viewer', 'GRAPHQL_PARSE_FAILED'],
  ['{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
  ['query A { viewer { scopes } } query B { viewer { scopes } }', 'OPERATION_RESOLUTION_FAILURE'],
  ['query ($id: ID!) { apiKey(id: $id) { id } }', 'BAD_USER_INPUT'],
])('the response to %s is as docs/reference/errors.md describes it', async (query, code) => {
  const latchkey = await startService();
  try {
    const { status, body } = await latchkey.query(query);
    expect(body.errors[0].extensions.code).toBe(code);
    const others = documentOf('docs/reference/errors.md').split('## Other codes')[1];
    expect(others).toContain(`| \`${code}\` | ${status} |`);
  } finally {
    await latchkey.close();
  }
});
