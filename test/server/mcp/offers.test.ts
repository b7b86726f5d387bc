import { z } from 'zod';
import type { Caller } from '../../../src/server/mcp/caller.js';
import { Offers } from '../../../src/server/mcp/offers.js';
import { LOOKS, tool } from '../../../src/server/mcp/tool.js';

const one = (name: string, offered?: (caller: Caller) => boolean) =>
  tool({
    ...{ name, title: name, description: name, input: z.strictObject({ a: z.string().max(5) }), annotations: LOOKS },
    ...(offered !== undefined && { offered }),
    call: async () => ({ content: [] }),
  });
const callerWith = (...scopes: string[]) => ({ principal: { scopes } }) as unknown as Caller;

test('R4: describes the tools once for all callers with the same tools', () => {
  const offers = new Offers([one('look'), one('write', ({ principal }) => principal.scopes.includes('write'))]);
  const reader = offers.for(callerWith('read'));
  expect(offers.for(callerWith('read', 'other'))).toBe(reader);
  expect(reader.listed.map(({ name }) => name)).toEqual(['look']);
  expect(reader.byName.has('write')).toBe(false);
  const writer = offers.for(callerWith('write'));
  expect(writer.listed.map(({ name }) => name)).toEqual(['look', 'write']);
  expect(writer.listed[0]).toBe(reader.listed[0]);
  expect(reader.listed[0]?.inputSchema).toMatchObject({ type: 'object', additionalProperties: false, required: ['a'] });
  for (let i = 0; i < 1_000; i += 1) offers.for(callerWith(`read-${i}`));
  expect(offers.size).toBe(2);
});
