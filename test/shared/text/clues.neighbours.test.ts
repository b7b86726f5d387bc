import { hash } from 'node:crypto';
import fc from 'fast-check';
import { ALPHABET, checksum } from '../../../src/shared/text/checksum.js';
import { cluesIn, type Clues } from '../../../src/shared/text/clues/clues.js';

const base62 = (length: number) =>
  fc.string({ unit: fc.constantFrom(...Array.from(ALPHABET)), minLength: length, maxLength: length });
const of = (letters: string, length: number) =>
  fc.string({ unit: fc.constantFrom(...Array.from(letters)), minLength: length, maxLength: length });

/** Random, and all the kinds that other formats could read differently. */
const lookupId = fc.oneof(
  base62(16),
  fc.tuple(of('0123456789abcdefABCDEF', 4), base62(12)).map((parts) => parts.join('')),
  fc.tuple(of('0123456789', 6), base62(10)).map((parts) => parts.join('')),
  fc.tuple(base62(10), of('0123456789', 6)).map((parts) => parts.join('')),
  of(ALPHABET.slice(10), 16),
  of(ALPHABET.slice(0, 36), 16),
  of(ALPHABET.slice(0, 10), 16),
  of('0123456789abcdef', 16),
  fc.constantFrom('aghCDLfoVyGcQUjn', 'findMatchingKeys', 'responsibilities'),
);
const digest = base62(20).map((text) => hash('sha256', text, 'buffer'));

/** A clue as it is written, and where it has to be found. */
interface Written {
  readonly text: string;
  readonly isIn: (clues: Clues) => boolean;
}

const lookup = lookupId.map((id): Written => ({
  text: id,
  isIn: ({ lookups, names }) => lookups.includes(id) || names.includes(id),
}));
const keyId = fc
  .tuple(fc.constantFrom('key', 'conf'), of('0123456789', 1), base62(15))
  .map(([type, digit, rest]): Written => {
    const id = `${type}_${digit}${rest}`;
    return { text: id, isIn: ({ ids }) => ids.includes(id) };
  });
const digestClue = fc
  .tuple(
    digest,
    fc.constantFrom('sha256:', 'SHA-256=', 'sha256-', 'sha256: '),
    fc.constantFrom('hex', 'base64', 'base64url'),
  )
  .map(([bytes, name, encoding]): Written => ({
    text: name + bytes.toString(encoding as 'hex'),
    isIn: ({ digests }) => digests.includes(bytes.toString('hex')),
  }));
const foreign = fc.oneof(
  fc.tuple(of('0123456789', 1), of('ABCDEF', 1), base62(38)).map((parts) => `ghp_${parts.join('')}`),
  fc.tuple(of('0123456789abcdef', 3), of('abcdef', 1), base62(30)).map((parts) => parts.join('')),
);
const foreignToken = foreign.map((text): Written => ({ text, isIn: ({ secrets }) => secrets.includes(text) }));
const own = fc
  .tuple(fc.constantFrom('lks_live', 'lkr_test', 'acme_live', 'ad_test', 'deadbeef_live'), base62(48))
  .map(([prefix, body]) => {
    const token = `${prefix}_${body}`;
    return token + checksum(token);
  });
const ownToken = own.map((text): Written => ({
  text,
  isIn: (clues) => clues.own.some(({ state, lookup }) => state === 'whole' && text.includes(`_${lookup}`)),
}));
const shown = base62(6).map((beginning): Written => ({
  text: `lks_live_${beginning}`,
  isIn: (clues) => clues.own.some(({ lookup }) => lookup === beginning),
}));
const masked = base62(6).map((beginning): Written => ({
  text: `acme_live_${beginning}…`,
  isIn: (clues) => clues.own.some(({ lookup }) => lookup === beginning),
}));

const SEPARATORS = [
  ' ',
  '\n',
  '\r\n',
  '\t',
  '\n> ',
  ', ',
  ',',
  ';',
  '|',
  '" "',
  "' '",
  '","',
  '<br>',
  ' - ',
  ' -> ',
  ') (',
  '`, `',
  '** **',
];
const ESCAPED = [
  '\\n',
  '\\t',
  '\\r\\n',
  '\\\\n',
  '\\"',
  '%20',
  '%0A',
  '%22%2C%22',
  '&nbsp;',
  '&quot;',
  '&#10;',
  '\\u0022',
  '\\u000a',
  '\\x0a',
];
const separators = fc.array(fc.constantFrom(...SEPARATORS, ...ESCAPED), { minLength: 5, maxLength: 5 });

/** How a whole text may be encoded. */
const ENCODINGS: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => JSON.stringify({ message: text }),
  (text) => JSON.stringify({ log: JSON.stringify({ message: text }) }),
  (text) => `https://api.example.com/?from=mail&text=%20${encodeURIComponent(text)}&page=2`,
  quotedPrintable,
  (text) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`),
];
const encoding = fc.constantFrom(...ENCODINGS);

/** With lines of at most 76 characters, as e-mails have. */
function quotedPrintable(text: string): string {
  const encoded = text.replace(/[^\n\r\x20-\x3c\x3e-\x7e]/gu, (character) =>
    Array.from(Buffer.from(character), (byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
  return encoded.replace(/(?:=[0-9A-F]{2}|[^\r\n=]){60}/g, '$&=\r\n');
}

interface Case {
  readonly clues: readonly Written[];
  readonly separators: readonly string[];
  readonly encode: (text: string) => string;
}

function assertFound({ clues, separators: between, encode }: Case): void {
  const text = encode(clues.map((clue, i) => `${between[i]}${clue.text}`).join('') + between[4]);
  const found = cluesIn(text);
  for (const clue of clues) expect([text, clue.text, clue.isIn(found)]).toEqual([text, clue.text, true]);
}

const RUNS = { numRuns: 1_000, seed: 29 };

test('U4: finds lookup IDs, key IDs, digests and tokens of another system beside each other', () => {
  const clues = fc.array(fc.oneof(lookup, keyId, digestClue, foreignToken), { minLength: 1, maxLength: 4 });
  fc.assert(fc.property(fc.record({ clues, separators, encode: encoding }), assertFound), RUNS);
});

test('U4: finds a token and its beginning beside key IDs and digests', () => {
  const clues = fc
    .tuple(fc.oneof(ownToken, shown, masked), fc.array(fc.oneof(keyId, digestClue), { maxLength: 3 }), fc.nat(3))
    .map(([token, others, place]) => others.toSpliced(place, 0, token));
  fc.assert(fc.property(fc.record({ clues, separators, encode: encoding }), assertFound), RUNS);
});
