import fc from 'fast-check';
import { parseTraceparent } from '../../../src/server/tracing/traceparent.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const GOOD = `00-${TRACE}-${SPAN}-01`;

test.each([
  [GOOD, 1],
  [`00-${TRACE}-${SPAN}-00`, 0],
  // Other flags belong to later versions.
  [`00-${TRACE}-${SPAN}-02`, 0],
  [`00-${TRACE}-${SPAN}-ff`, 1],
  [`cc-${TRACE}-${SPAN}-01-what-the-future-brings`, 1],
  [`cc-${TRACE}-${SPAN}-01`, 1],
])('%s is a valid parent', (header, traceFlags) => {
  expect(parseTraceparent(header)).toEqual({ traceId: TRACE, spanId: SPAN, traceFlags });
});

test.each([
  undefined,
  [GOOD],
  '',
  GOOD.toUpperCase(),
  ` ${GOOD}`,
  `${GOOD} `,
  `${GOOD}-more`,
  `${GOOD}, ${GOOD}`,
  `ff-${TRACE}-${SPAN}-01`,
  `00-${'0'.repeat(32)}-${SPAN}-01`,
  `00-${TRACE}-${'0'.repeat(16)}-01`,
  `00-${TRACE}-${SPAN}-1`,
  `00-${TRACE}-${SPAN}-0x`,
  `cc-${TRACE}-${SPAN}-01x`,
  `cc-${TRACE}-${SPAN}-01-${'x'.repeat(500)}`,
  `00-${TRACE.slice(1)}-${SPAN}-01`,
])('%j is invalid', (header) => expect(parseTraceparent(header)).toBeNull());

test('accepts only IDs, whatever the input', () => {
  const near = fc.tuple(fc.nat(GOOD.length - 1), fc.string({ minLength: 1, maxLength: 3 }));
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        near.map(([i, text]) => GOOD.slice(0, i) + text + GOOD.slice(i + text.length)),
      ),
      (header) => {
        const span = parseTraceparent(header);
        if (span === null) return;
        expect(span.traceId).toMatch(/^[0-9a-f]{32}$/);
        expect(span.spanId).toMatch(/^[0-9a-f]{16}$/);
        expect([0, 1]).toContain(span.traceFlags);
      },
    ),
  );
});
