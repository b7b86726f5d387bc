import { SettingsError } from '../../shared/settings/error.js';

type Environment = Readonly<Record<string, string | undefined>>;

const ENDPOINTS = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'];
const PROTOCOLS = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'];

/**
 * Returns whether the variables of the OpenTelemetry specification enable traces. This requires the address of a collector.
 * With OpenTelemetry's default, a collector on this machine, every installation would try to connect to a port that is
 * usually closed. By the specification, an empty variable counts as unset.
 *
 * @throws SettingsError for values that OpenTelemetry would silently ignore
 */
export function isTracingAsked(environment: Environment): boolean {
  const set = (name: string): string => (environment[name] ?? '').trim();
  if (set('OTEL_SDK_DISABLED').toLowerCase() === 'true' || set('OTEL_TRACES_EXPORTER') === 'none') return false;
  const endpoints = ENDPOINTS.filter((name) => set(name) !== '');
  if (endpoints.length === 0) return false;
  for (const name of endpoints) {
    // The message doesn't contain the address, because it may contain a password.
    if (!isHttp(set(name)))
      throw new SettingsError(`${name} is not the address of a collector. Allowed: http:// or https:// and a host.`);
  }
  const protocol = PROTOCOLS.find((name) => set(name) !== '');
  // A collector accepts both protocols at one address and distinguishes them by the content type.
  if (protocol !== undefined && !['http/json', 'http/protobuf'].includes(set(protocol))) {
    throw new SettingsError(
      `${protocol} is not supported. Allowed: http/json or http/protobuf, with the collector's port for HTTP.`,
    );
  }
  return true;
}

function isHttp(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
