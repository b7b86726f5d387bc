/** A span of another service, as named in the header (W3C Trace Context). */
interface RemoteSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** 1: sampled. Other bits belong to later versions and are ignored. */
  readonly traceFlags: 0 | 1;
}

/** The length of version 00. Later versions may continue after a dash. */
const LENGTH = 55;
const MAX_LENGTH = 512;

const PARTS = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/;

/**
 * Parses the caller's span. Returns null if the header is missing or invalid; then the request starts a new trace.
 * `tracestate` is ignored, because it is text chosen by the caller that would be sent to the collector.
 */
export function parseTraceparent(header: unknown): RemoteSpan | null {
  if (typeof header !== 'string' || header.length < LENGTH || header.length > MAX_LENGTH) return null;
  const [, version, traceId = '', spanId = '', flags = ''] = PARTS.exec(header) ?? [];
  if (version === undefined || version === 'ff') return null;
  if (header.length > LENGTH && (version === '00' || header[LENGTH] !== '-')) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, traceFlags: parseInt(flags, 16) & 1 ? 1 : 0 };
}
