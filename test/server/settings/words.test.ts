import { z } from 'zod';
import { SettingsError } from '../../../src/shared/settings/error.js';
import { fileSchema } from '../../../src/server/settings/fileSchema.js';
import { OPTIONS, type OptionName } from '../../../src/server/settings/options.js';
import { readOption } from '../../../src/server/settings/readOption.js';
import { nested, VALIDATOR, WRONG } from '../../support/validator.js';

/** Every node of a schema, with the path that leads to it. */
function* placesIn(schema: z.core.$ZodType, path: readonly (string | 0)[] = []): Generator<readonly (string | 0)[]> {
  yield path;
  if (schema instanceof z.ZodOptional) yield* placesIn(schema.unwrap(), path);
  if (schema instanceof z.ZodArray) yield* placesIn(schema.element, [...path, 0]);
  if (schema instanceof z.ZodRecord) yield* placesIn(schema.valueType, [...path, 'name']);
  if (!(schema instanceof z.ZodObject)) return;
  for (const [name, inner] of Object.entries(schema.shape)) yield* placesIn(inner as z.core.$ZodType, [...path, name]);
}

test('N18: the error for any invalid part of latchkey.yaml says what is wrong and what is allowed', () => {
  const places = [...placesIn(fileSchema)];
  let faults = 0;
  for (const path of places) {
    for (const value of WRONG) {
      const { error } = fileSchema.safeParse(nested(path, value));
      for (const { message } of error?.issues ?? []) {
        expect(message).toMatch(/^is .+\. Allowed: .+\.$/s);
        expect(message).not.toMatch(VALIDATOR);
        faults += 1;
      }
    }
  }
  expect([places.length > 80, faults > 800]).toEqual([true, true]);
});

test.each(Object.keys(OPTIONS) as OptionName[])('N18: the error for an invalid %s says what is wrong', (name) => {
  let faults = 0;
  for (const text of [
    '',
    ' ',
    'x',
    '-1',
    '0',
    '1.5',
    '1e999',
    'a,,b',
    '*',
    '[]',
    '\u0000',
    'ü'.repeat(9_000),
    '"',
    'TRUE',
  ]) {
    try {
      readOption(name, text);
    } catch (error) {
      expect(error).toBeInstanceOf(SettingsError);
      expect((error as SettingsError).message).toMatch(/^[A-Z_]+ .+ Allowed: .+\.$/s);
      expect((error as SettingsError).message).not.toMatch(VALIDATOR);
      faults += 1;
    }
  }
  expect(faults).toBeGreaterThan(0);
});
