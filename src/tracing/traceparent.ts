/** A span of another service's, as its header names it (W3C Trace Context). */
export interface RemoteSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** 1: sampled. Other bits are of later versions, and say nothing here. */
  readonly traceFlags: 0 | 1;
}

/** Version 00 has this many characters; later ones may go on behind a dash. */
const LENGTH = 55;
const MAX_LENGTH = 512;

const PARTS = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/;

/**
 * The caller's span, null for anything but a whole and valid header: then the request begins a trace of its own.
 * `tracestate` is not read at all: it is text of the caller's choosing that would be sent on to the collector.
 */
export function parseTraceparent(header: unknown): RemoteSpan | null {
  if (typeof header !== 'string' || header.length < LENGTH || header.length > MAX_LENGTH) return null;
  const [, version, traceId = '', spanId = '', flags = ''] = PARTS.exec(header) ?? [];
  if (version === undefined || version === 'ff') return null;
  if (header.length > LENGTH && (version === '00' || header[LENGTH] !== '-')) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, traceFlags: parseInt(flags, 16) & 1 ? 1 : 0 };
}
