import fc from 'fast-check';
import { readArguments, USAGE } from '../../../src/server/settings/arguments.js';
import { OPTIONS } from '../../../src/server/settings/options.js';
import { SettingsError } from '../../../src/server/settings/settings.js';

function faultOf(...args: string[]): string {
  try {
    readArguments(args);
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
  throw new Error('Nothing was wrong.');
}

test.each<[string[], ReturnType<typeof readArguments>]>([
  [[], { help: false, workers: null }],
  [['--workers', '4'], { help: false, workers: 4 }],
  [['--workers=4'], { help: false, workers: 4 }],
  [['--workers', '64'], { help: false, workers: 64 }],
  [['--workers', '2', '--workers', '3'], { help: false, workers: 3 }],
  [['--help'], { help: true, workers: null }],
  [['-h', '--workers', '1'], { help: true, workers: 1 }],
])('%j', (args, expected) => expect(readArguments(args)).toEqual(expected));

test('auto is the number of cores', () => {
  const { workers } = readArguments(['--workers', 'auto']);
  expect(workers).toBeGreaterThanOrEqual(1);
  expect(workers).toBeLessThanOrEqual(64);
});

test.each([
  [['--workers'], '--workers is empty; unset it or give it a value.'],
  [['--workers='], '--workers is empty; unset it or give it a value.'],
  [['--workers', '0'], '--workers is "0", which is out of range.'],
  [['--workers', '65'], '--workers is "65", which is out of range.'],
  [['--workers', 'many'], '--workers is "many", which is neither a whole number nor auto.'],
  [['--workers', '--help'], '--workers is "--help", which is neither a whole number nor auto.'],
  [['--workers', '2', '--workers', 'x'], '--workers is "x", which is neither a whole number nor auto.'],
])('refuses %j with what is wrong and what is allowed', (args, fault) => {
  expect(faultOf(...args)).toBe(`${fault} Allowed: ${OPTIONS.WORKERS.allowed}.`);
});

test.each([
  [['--port', '4000'], 'The argument "--port" is not known.'],
  [['--worker=2'], 'The argument "--worker" is not known.'],
  [['-w', '2'], 'The argument "-w" is not known.'],
  [['--help=yes'], 'The argument "--help" is not known.'],
  [['--', '4'], 'Argument 1 is not known.'],
  [['4'], 'Argument 1 is not known.'],
  [['--workers', '2', 'more'], 'Argument 3 is not known.'],
])('refuses the unknown argument %j', (args, fault) => {
  expect(faultOf(...args)).toBe(`${fault} Allowed: --workers N, --help.`);
});

test('never repeats a secret that was passed as an argument by mistake', () => {
  for (const args of [['--admin-api-key=hunter2'], ['hunter2'], ['--', 'hunter2']]) {
    expect(faultOf(...args)).not.toContain('hunter2');
  }
});

test('parses any arguments or refuses them in one short line', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom('--workers', '--', '-', '--help', '3'))), (args) => {
      try {
        readArguments(args);
      } catch (error) {
        expect(error).toBeInstanceOf(SettingsError);
        expect((error as Error).message).not.toMatch(/[\n\r]/);
        expect((error as Error).message.length).toBeLessThan(400);
      }
    }),
  );
});

test('lists every argument in the usage', () => {
  expect(USAGE).toContain('--workers N');
  expect(USAGE).toContain('--help');
});
