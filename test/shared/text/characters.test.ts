import { jest } from '@jest/globals';
import fc from 'fast-check';
import { checkColumns, checkDescription, checkOwner } from '../../../src/demo/assets/input.js';
import { jsonText, visible } from '../../../src/cli/visibleText.js';
import { checkFilter, checkName, checkReason, isName } from '../../../src/core/keys/keyInput.js';
import {
  faultOfText,
  isBlank,
  isFarLonger,
  lengthOf,
  normalise,
  replaceUnwanted,
  unwantedIn,
} from '../../../src/shared/text/characters.js';
import { Refusal } from '../../../src/core/errors/refusal.js';
import { fold } from '../../../src/shared/text/fold.js';
import { Roles } from '../../../src/core/scopes/roles.js';
import { CODE_POINT } from '../../support/codePoint.js';

const ENGLAND = '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}';

describe('F8: names of all languages and emoji', () => {
  test.each([
    '👩\u200d💻',
    '👩🏽\u200d💻 at work',
    '👨\u200d👩\u200d👧\u200d👦',
    '🏳\ufe0f\u200d🌈',
    '❤\ufe0f\u200d🔥',
    'ශ්\u200dරී',
    'می\u200cخواهم',
    'क्\u200dष',
    'র\u200d্য',
    'അവന്\u200d',
    ENGLAND,
    `${ENGLAND} England`,
    '☎\ufe0f support',
    '葛\u{e0100}城',
    '1\ufe0f\u20e3 first',
    '⌚\ufe0e',
    'ᠠ\u180b',
    'ن\u064e\u200cن',
    '🇺🇳',
    '😀'.repeat(100),
    'é'.normalize('NFD').repeat(100),
    '각'.normalize('NFD').repeat(100),
    'שלום',
    'مرحبا',
  ])('accepts %j, shown as it is', (name) => {
    expect(checkName(name)).toBe(name.normalize('NFC'));
    expect(isName(name)).toBe(true);
    expect(visible(name)).toBe(name);
    expect(JSON.parse(jsonText({ name }))).toEqual({ name });
  });

  test.each([
    ['a direction override', 'a\u202eb', 'U+202E'],
    ['an embedding', 'a\u202ab', 'U+202A'],
    ['the end of an embedding', 'a\u202cb', 'U+202C'],
    ['an isolate', 'a\u2066b', 'U+2066'],
    ['the end of an isolate', 'a\u2069b', 'U+2069'],
    ['a direction mark', 'a\u200fb', 'U+200F'],
    ['an Arabic letter mark', 'a\u061cb', 'U+061C'],
    ['a space of no width', 'a\u200bb', 'U+200B'],
    ['a word joiner', 'a\u2060b', 'U+2060'],
    ['a byte order mark', 'a\ufeffb', 'U+FEFF'],
    ['a soft hyphen', 'a\u00adb', 'U+00AD'],
    ['a joiner at the beginning', '\u200da', 'U+200D'],
    ['a joiner at the end', 'a\u200d', 'U+200D'],
    ['a joiner at a space', 'a\u200c b', 'U+200C'],
    ['a joiner between digits', '1\u200d2', 'U+200D'],
    ['two joiners', 'a\u200d\u200db', 'U+200D'],
    ['a joiner between a letter and an emoji', 'a\u200d💻', 'U+200D'],
    ['a joiner between an emoji and a letter', '💻\u200da', 'U+200D'],
    ['a joiner in Latin text', 'Auf\u200clage', 'U+200C'],
    ['a joiner in Cyrillic text', 'т\u200dо', 'U+200D'],
    ['a joiner in Chinese text', '数\u200d据', 'U+200D'],
    ['a non-joiner between emoji', '👩\u200c💻', 'U+200C'],
    ['a combining grapheme joiner', 'ad\u034fmin', 'U+034F'],
    ['an emoji selector after a letter', 'admin\ufe0f', 'U+FE0F'],
    ['an emoji selector after a digit', 'v1\ufe0f', 'U+FE0F'],
    ['a text selector after a letter', 'admin\ufe0e', 'U+FE0E'],
    ['two selectors', '☎\ufe0f\ufe0f', 'U+FE0F'],
    ['a selector for Han characters after a letter', 'a\u{e0100}', 'U+E0100'],
    ['a selector for Mongolian after a letter', 'a\u180b', 'U+180B'],
    ['a Hangul filler', '데\u3164이터', 'U+3164'],
    ['a Khmer vowel that is not drawn', 'ក\u17b4', 'U+17B4'],
    ['an unassigned character that is not drawn', 'a\u{e0fff}', 'U+E0FFF'],
    ['a tag', 'a\u{e0061}', 'U+E0061'],
    ['tags that are no flag', '🏴\u{e0065}\u{e0076}\u{e0069}\u{e006c}\u{e007f}', 'U+E0065'],
    ['a flag without its end', ENGLAND.slice(0, -2), 'U+E0067'],
    ['tags behind a flag', `${ENGLAND}\u{e0061}`, 'U+E0061'],
    ['a language tag', '\u{e0001}a', 'U+E0001'],
    ['a blank of Braille', 'x\u2800', 'U+2800'],
    ['a filler of Khitan', 'x\u{16fe4}', 'U+16FE4'],
    ['a null notehead', 'a\u{1d159}b', 'U+1D159'],
    ['the replacement of an object', 'a\ufffcb', 'U+FFFC'],
    ['a line break', 'a\nb', 'U+000A'],
    ['a line separator', 'a\u2028b', 'U+2028'],
    ['ESC', 'a\u001b[31mb', 'U+001B'],
    ['CSI', 'a\u009b31mb', 'U+009B'],
    ['NUL', 'a\0b', 'U+0000'],
    ['a high surrogate', 'a\ud83db', 'U+D83D'],
    ['a low surrogate', '\udc69', 'U+DC69'],
    ['surrogates in the wrong order', '\udc69\ud83d', 'U+DC69'],
  ])('rejects %s, by its code point', (_, name, code) => {
    expect(() => checkName(name)).toThrow(`The name contains the invisible or control character ${code}.`);
    expect(isName(name)).toBe(false);
    expect(visible(name)).not.toBe(name);
  });

  test.each([
    '',
    ' ',
    '\u3000',
    '\u200d',
    '\ufe0f',
    '\u3164',
    '\u115f\u1160',
    '\u2800',
    '\u{16fe4}',
    '\u{1d159}',
    '\u034f',
    '\u{e0100}',
    '\u2060',
  ])('rejects %j, which is invisible', (name) => expect(() => checkName(name)).toThrow('The name is blank.'));

  test.each([
    ['an emoji with the selector of the glyph that it has', '☕\ufe0f', '☕'],
    ['a symbol with the selector of the glyph that it has', '☎\ufe0e', '☎'],
    ['emoji in a row', '☕\ufe0f☕\ufe0f', '☕☕'],
    ['a flag', '🇺🇳\ufe0f', '🇺🇳'],
    ['a skin colour', '👍🏽\ufe0f', '👍🏽'],
  ])('stores %s without it', (_, typed, stored) => {
    expect(checkName(typed)).toBe(stored);
    expect(normalise(stored)).toBe(stored);
  });

  test('keeps selectors that change what is drawn', () => {
    for (const [one, other] of [
      ['☎', '☎\ufe0f'],
      ['⌚', '⌚\ufe0e'],
      ['葛', '葛\u{e0100}'],
    ] as const) {
      expect(checkName(one)).not.toBe(checkName(other));
      expect(fold(one)).toBe(fold(other));
    }
  });

  test('no character that is drawn as nothing makes another name of Latin text', () => {
    const ignorable = Array.from({ length: 0x110000 }, (_, code) => code)
      .filter((code) => code < 0xd800 || code > 0xdfff)
      .map((code) => String.fromCodePoint(code))
      .filter((character) => /\p{Default_Ignorable_Code_Point}/u.test(character));
    expect(ignorable.length).toBeGreaterThan(4_000);
    for (const character of ignorable) {
      for (const name of [`ad${character}min`, `${character}admin`, `admin${character}`, `admin ${character}1`]) {
        // trim() removes U+FEFF at the ends.
        if (name.trim() !== 'admin' && isName(name)) throw new Error(`accepted ${JSON.stringify(name)}`);
      }
      expect(fold(`ad${character}min`)).toBe('admin');
    }
  });

  test('counts code points of the composed text, and limits what it composes', () => {
    expect(lengthOf('👩\u200d💻')).toBe(3);
    expect(() => checkName('😀'.repeat(101))).toThrow('longer than 100 characters');
    expect(() => checkName('x'.repeat(101))).toThrow('longer than 100 characters');
    expect(checkName(`  ${'😀'.repeat(60)} `)).toBe('😀'.repeat(60));
    // Composed from the outside in, a million marks take minutes.
    expect(() => checkName('\u0315\u0300'.repeat(500_000))).toThrow('longer than 100 characters');
    expect(checkReason('😀'.repeat(500))).toBe('😀'.repeat(500));
    expect(() => checkReason('😀'.repeat(501))).toThrow('longer than 500 characters');
    expect(() => checkReason('a\u202eb')).toThrow('U+202E');
    expect(checkReason('two\r\n\tlines \u200d'.slice(0, -2))).toBe('two\r\n\tlines');
  });

  test('a part of a name may end at a joiner', () => {
    for (const nameContains of ['می\u200c', '\u200d💻', '\ufe0f', '😀'.repeat(100)]) {
      expect(checkFilter({ nameContains })).toEqual({ nameContains });
    }
    for (const nameContains of ['a\u202e', 'a\0', '😀'.repeat(101)])
      expect(() => checkFilter({ nameContains })).toThrow();
  });

  test('nothing that a terminal obeys is left, and nothing else is changed', () => {
    fc.assert(
      fc.property(fc.string({ unit: CODE_POINT }), (text) => {
        const shown = visible(text);
        expect(unwantedIn(shown)).toBeNull();
        if (unwantedIn(text) === null) expect(shown).toBe(text);
        expect(JSON.parse(jsonText([text]))).toEqual([text]);
        expect(
          replaceUnwanted(
            replaceUnwanted(text, () => '?'),
            () => '!',
          ),
        ).not.toContain('!');
      }),
    );
  });
});

describe('F13: one text, however it was typed', () => {
  const typed = fc.string({ unit: 'grapheme', maxLength: 20 });

  test('composed and decomposed texts are normalised and folded alike', () => {
    fc.assert(
      fc.property(typed, (text) => {
        const forms = [text, text.normalize('NFD'), text.normalize('NFC')];
        expect(new Set(forms.map(normalise)).size).toBe(1);
        expect(new Set(forms.map(fold)).size).toBe(1);
        expect(fold(fold(text))).toBe(fold(text));
        expect(isBlank(text)).toBe(isBlank(normalise(text)));
      }),
    );
    expect(normalise('\u212b \u2126 \ufb1d')).toBe('\u00c5 \u03a9 \u05d9\u05b4');
  });

  test.each([
    ['ß', 'SS'],
    ['ẞ', 'ss'],
    ['İ', 'i'],
    ['ı', 'I'],
    ['i', 'I'],
    ['ς', 'Σ'],
    ['ſ', 'S'],
    ['ﬁ', 'FI'],
    ['K', 'k'],
    ['Ǆ', 'ǆ'],
    ['é', 'E\u0301'],
    ['Ꭰ', 'ꭰ'],
  ])('%s is searched as %s', (one, other) => expect(fold(one)).toBe(fold(other)));

  test('letters that differ are searched apart', () => {
    expect(new Set(['a', 'ä', 'á', 'å', 'o', 'ö', 'ø', 'ss', 's', 'z'].map(fold)).size).toBe(10);
  });
});

describe('R2: a text that is far too long is refused unread', () => {
  const reading = [
    ...(['normalize', 'replace', 'matchAll', 'trim'] as const).map((name) => jest.spyOn(String.prototype, name)),
    jest.spyOn(RegExp.prototype, 'test'),
  ];
  beforeEach(() => reading.forEach((method) => method.mockClear()));
  afterAll(() => reading.forEach((method) => method.mockRestore()));

  test.each(['\u200d', 'x', ' ', '\u0301', 'a\u0316\u0301'])('of %j', (part) => {
    const text = part.repeat(24_000);
    const outcomes = [
      () => checkFilter({ nameContains: text }),
      () => checkName(text),
      () => checkReason(text),
      () => checkDescription(text, ['description']),
      () => checkOwner(text, ['owner']),
      () => checkColumns([{ name: text, type: 'INT' }], ['columns']),
      () => checkColumns([{ name: 'a', type: text }], ['columns']),
    ].map((check) => {
      try {
        check();
      } catch (error) {
        return error instanceof Refusal && error.details.code === 'BAD_USER_INPUT';
      }
      return false;
    });
    const times = reading.map(
      ({ mock }) => [...mock.contexts, ...mock.calls.flat()].filter((each) => String(each) === text).length,
    );
    expect(outcomes).toEqual(new Array(7).fill(true));
    expect(times).toEqual([0, 0, 0, 0, 0]);
  });

  test('whatever Unicode composes still fits: 100 characters of any kind, decomposed', () => {
    const points = Array.from({ length: 0x110000 }, (_, i) => i).filter((i) => i < 0xd800 || i > 0xdfff);
    const longest = Math.max(
      ...['a', 'ᾂ', '각'].map((letter) => letter.normalize('NFD').length),
      points.reduce((most, point) => {
        const letter = String.fromCodePoint(point);
        const apart = letter.normalize('NFD');
        return apart.length > most && apart.normalize('NFC') === letter ? apart.length : most;
      }, 0),
    );
    expect(isFarLonger('x'.repeat(100 * longest), 100)).toBe(false);
    for (const letter of ['ᾂ', '각', '😀'])
      expect(checkName(letter.normalize('NFD').repeat(100))).toHaveLength(letter.length * 100);
  });
});

describe('R2: a run of combining marks is not sorted', () => {
  const pile = (marks: number) => `a${'\u0300\u0323'.repeat(marks / 2)}`;
  const normalized = jest.spyOn(String.prototype, 'normalize');
  beforeEach(() => normalized.mockClear());
  afterAll(() => normalized.mockRestore());

  test('30 in a row are composed, and a name may have them', () => {
    expect(normalise(pile(30))).not.toBe(pile(30));
    expect(faultOfText(pile(30), 100)).toBeNull();
  });

  test('more are left as they are by everything that compares, and refused where they are written', () => {
    const long = pile(240_000);
    expect(normalise(long) === long).toBe(true);
    expect(fold(long) === long).toBe(true);
    expect(new Roles().has(long)).toBe(false);
    expect(new Roles().scopesOf([long])).toEqual([]);
    expect(normalized).not.toHaveBeenCalled();
    expect(faultOfText(pile(40), 100)).toBe('has more than 30 combining marks in a row. Remove them');
    expect(() => checkName(pile(40))).toThrow('combining marks');
    expect(() => checkFilter({ nameContains: pile(40) })).toThrow('combining marks');
  });

  test('text of short runs is composed as Unicode says', () => {
    const letters = fc.constantFrom('a', 'é', '각', '\u0300', '\u0345', '\u0323', '\u0344', 'ᾂ', ' ');
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 29 }), (parts) => {
        expect(normalise(parts.join(''))).toBe(parts.join('').normalize('NFC'));
      }),
    );
  });
});
