import fc from 'fast-check';
import { BlockList, isIP } from 'node:net';
import { Failures, network } from '../../../src/core/auth/failures.js';
import { Refusal } from '../../../src/core/errors/refusal.js';
import { CODE_POINT } from '../../support/codePoint.js';

const NOON = Date.UTC(2026, 2, 1, 12);
const MINUTE = 60_000;
const [ADDRESS, LOOKUP_ID] = ['192.0.2.1', 'a'];

let clock: { now: number };
let failures: Failures;
beforeEach(() => {
  clock = { now: NOON };
  failures = new Failures(() => clock.now);
});

let guesses = 0;
/** Returns an unused lookup ID. */
const another = (): string => `guess ${guesses++}`;
const times = (count: number, act: () => void) => {
  for (let i = 0; i < count; i++) act();
};
/** Returns the refusal of the next failure; null if it is counted. */
function refusal(lookupId: string, address: string | null): Refusal | null {
  try {
    failures.take(lookupId, address);
    return null;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}
const wait = (lookupId: string, address: string | null) => {
  const details = refusal(lookupId, address)?.details;
  return details?.code === 'RATE_LIMITED' ? details.retryAfter : null;
};

describe.each<[string, number, () => string, () => string | null]>([
  ['an address', 300, another, () => ADDRESS],
  ['a lookup id', 20, () => LOOKUP_ID, () => null],
  ['a lookup id, from whatever address', 20, () => LOOKUP_ID, () => `192.0.2.${guesses++ % 256}`],
])('failures of %s', (_, limit, lookupId, address) => {
  it(`are counted up to ${limit} a minute, and the next one is refused with the time to wait`, () => {
    times(limit, () => failures.take(lookupId(), address()));
    const refused = refusal(lookupId(), address());
    expect(refused?.details).toEqual({ code: 'RATE_LIMITED', retryAfter: 60, limit, window: 60 });
    expect(refused?.message).toBe(
      'Too many invalid keys were sent. Check the key, and try again in 60 s. Keys that are in use continue to work.',
    );
  });

  it('the minute starts with the first failure and ends a minute later, whatever is refused in between', () => {
    times(limit - 1, () => failures.take(lookupId(), address()));
    clock.now += 59_000;
    failures.take(lookupId(), address());
    times(100, () => expect(wait(lookupId(), address())).toBe(1));
    clock.now += 999;
    expect(wait(lookupId(), address())).toBe(1);
    clock.now += 1;
    times(limit, () => failures.take(lookupId(), address()));
    expect(wait(lookupId(), address())).toBe(60);
  });

  it('sets Retry-After in whole seconds and never too early', () => {
    times(limit, () => failures.take(lookupId(), address()));
    for (const [passed, retryAfter] of [
      [0, 60],
      [1, 60],
      [999, 60],
      [1_000, 59],
      [1_001, 59],
      [58_999, 2],
      [59_000, 1],
      [59_999, 1],
    ] as const) {
      clock.now = NOON + passed;
      expect([passed, wait(lookupId(), address())]).toEqual([passed, retryAfter]);
    }
    clock.now = NOON + MINUTE;
    expect(refusal(lookupId(), address())).toBeNull();
  });

  it('subtracts an attempt that was not a failure', () => {
    times(limit - 1, () => failures.take(lookupId(), address()));
    const giveBack = failures.take(lookupId(), address());
    expect(wait(lookupId(), address())).toBe(60);
    giveBack();
    expect(refusal(lookupId(), address())).toBeNull();
    expect(wait(lookupId(), address())).toBe(60);
  });

  it('subtracts it from its own minute, even later, and not from the next one', () => {
    const giveBack = failures.take(lookupId(), address());
    clock.now += MINUTE;
    times(limit, () => failures.take(lookupId(), address()));
    giveBack();
    expect(wait(lookupId(), address())).toBe(60);
  });

  it('no caller has to wait for a clock that was set back', () => {
    times(limit, () => failures.take(lookupId(), address()));
    clock.now -= 24 * 60 * MINUTE;
    expect(refusal(lookupId(), address())).toBeNull();
  });
});

test('does not count a failure by address if it is refused by lookup ID, and the reverse', () => {
  times(20, () => failures.take(LOOKUP_ID, null));
  times(1_000, () => expect(wait(LOOKUP_ID, ADDRESS)).toBe(60));
  times(300, () => failures.take(another(), ADDRESS));
  times(100, () => expect(wait('b', ADDRESS)).toBe(60));
  times(20, () => failures.take('b', null));
});

test('counts addresses and lookup IDs separately, and unknown addresses not at all', () => {
  times(300, () => failures.take(another(), ADDRESS));
  expect(wait(another(), ADDRESS)).toBe(60);
  expect(wait(another(), '192.0.2.2')).toBeNull();
  times(1_000, () => failures.take(another(), null));
});

test('treats an IPv6 network as one caller and its neighbor as another', () => {
  times(300, () => failures.take(another(), `2001:db8::${(guesses % 65_536).toString(16)}`));
  expect(wait(another(), '2001:db8:0:0:ffff::1')).toBe(60);
  expect(wait(another(), '2001:db8:0:1::1')).toBeNull();
});

test('remembers at most ten thousand addresses and lookup IDs each, the most recent ones', () => {
  times(300, () => failures.take(another(), ADDRESS));
  times(20, () => failures.take(LOOKUP_ID, null));
  const others = (count: number) => {
    for (let i = 0; i < count; i++) failures.take(another(), `10.0.${i >> 8}.${i & 255}`);
  };
  for (let round = 0; round < 5; round++) {
    others(4_000);
    expect(wait(another(), ADDRESS)).toBe(60);
    expect(wait(LOOKUP_ID, null)).toBe(60);
  }
  others(10_000);
  expect(wait(another(), ADDRESS)).toBeNull();
  expect(wait(LOOKUP_ID, null)).toBeNull();
});

describe('network', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['::ffff:c000:0201%eth0', '192.0.2.1'],
    ['::ffff:0.0.0.0', '0.0.0.0'],
    ['::ffff:255.255.255.255', '255.255.255.255'],
    ['::', '0:0:0:0'],
    ['::1', '0:0:0:0'],
    ['1::', '1:0:0:0'],
    ['::192.0.2.1', '0:0:0:0'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:0DB8:0001:0002::', '2001:db8:1:2'],
    ['2001:db8:1:2:3:4:192.0.2.1', '2001:db8:1:2'],
    ['2001:db8::2:3:4:5:6', '2001:db8:0:2'],
    ['::2:3:4:5:6:7:8', '0:2:3:4'],
    ['1:2:3::', '1:2:3:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['fe80::1%::1', 'fe80:0:0:0'],
  ])('of %j is %s', (address, expected) => {
    expect(network(address)).toBe(expected);
  });

  const group = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.constant(0xffff), fc.nat(0xffff));
  const groups = fc.oneof(
    fc.array(group, { minLength: 8, maxLength: 8 }),
    fc.tuple(fc.nat(0xffff), fc.nat(0xffff)).map(([high, low]) => [0, 0, 0, 0, 0, 0xffff, high, low]),
  );

  /** All spellings of an address in RFC 4291, with a zone. */
  const spelled = (numbers: readonly number[]): fc.Arbitrary<string> => {
    const styles = fc.record({
      padded: fc.boolean(),
      upper: fc.boolean(),
      dotted: fc.boolean(),
      cut: fc.nat(7),
      zone: fc.constantFrom('', '', '%eth0', '%1', '%::', '%1.2.3.4'),
    });
    return styles.map(({ padded, upper, dotted, cut, zone }) => {
      const [high = 0, low = 0] = numbers.slice(6);
      const texts = numbers.map((number) => {
        const digits = number.toString(16).padStart(padded ? 4 : 1, '0');
        return upper ? digits.toUpperCase() : digits;
      });
      if (dotted) texts.splice(6, 2, `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`);
      let end = cut;
      while (end < texts.length && Number(`0x${texts[end]}`) === 0) end += 1;
      if (end === cut) return texts.join(':') + zone;
      return `${texts.slice(0, cut).join(':')}::${texts.slice(end).join(':')}${zone}`;
    });
  };
  const address = (numbers: readonly number[]) => numbers.map((number) => number.toString(16)).join(':');

  it('is the same for every spelling of an address', () => {
    fc.assert(
      fc.property(
        groups.chain((numbers) => fc.tuple(fc.constant(numbers), spelled(numbers), spelled(numbers))),
        ([numbers, one, two]) => {
          // Node's own parser confirms that they are spellings of one address.
          const canonical = (text: string) => new URL(`http://[${text.replace(/%.*/, '')}]`).hostname;
          expect([canonical(one), canonical(two)]).toEqual(Array(2).fill(canonical(address(numbers))));
          expect(network(one)).toBe(network(two));
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('is the same for two addresses exactly if their first 64 bits are, or their IPv4 addresses if they are mapped', () => {
    const near = groups.chain((numbers) =>
      fc.tuple(
        fc.constant(numbers),
        fc.oneof(
          groups,
          fc
            .tuple(fc.nat(7), fc.nat(0xffff))
            .map(([at, other]) => numbers.map((number, i) => (i === at ? other : number))),
        ),
      ),
    );
    const mapped = new BlockList();
    mapped.addSubnet('::ffff:0:0', 96, 'ipv6');
    fc.assert(
      fc.property(near, ([one, two]) => {
        const isMapped = mapped.check(address(one), 'ipv6');
        const range = new BlockList();
        range.addSubnet(address(one), isMapped ? 128 : 64, 'ipv6');
        // Mapped addresses are within ::/64 but belong to different callers.
        const same = range.check(address(two), 'ipv6') && mapped.check(address(two), 'ipv6') === isMapped;
        expect(network(address(one)) === network(address(two))).toBe(same);
      }),
      { numRuns: 1_000 },
    );
  });

  // An X-Forwarded-For field can contain any text of thousands of characters, and each would be a new caller.
  describe('of any text that is not an address is the same', () => {
    const none = network('unknown');
    it.each([
      '',
      '192.0.2.1:4711',
      '[2001:db8::1]',
      '[::1]:80',
      '010.0.0.1',
      '1.2.3',
      '256.0.0.1',
      ':::',
      '1::2::3',
      '::1%',
    ])('%j', (text) => expect(network(text)).toBe(none));

    it('in any text', () => {
      const garbage = fc.oneof(
        fc.string({ unit: CODE_POINT, maxLength: 1_000 }),
        fc.string({ unit: fc.constantFrom('0', '1', '25', 'a', 'ffff', ':', '::', '.', '%') }),
      );
      fc.assert(
        fc.property(garbage, (text) => {
          const isAddress = isIP(text) !== 0;
          expect(network(text) === none).toBe(!isAddress);
        }),
        { numRuns: 500 },
      );
    });
  });
});
