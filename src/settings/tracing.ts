import { SettingsError } from './error.js';

type Environment = Readonly<Record<string, string | undefined>>;

const ENDPOINTS = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'];
const PROTOCOLS = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'];

/**
 * Do the variables of OpenTelemetry's specification ask for traces? Only where one names a collector: its default, a
 * collector on this machine, would have every installation knock on a port where mostly nobody is. By the specification
 * an empty variable counts as absent.
 *
 * @throws SettingsError for what would otherwise be ignored without a word
 */
export function isTracingAsked(environment: Environment): boolean {
  const set = (name: string): string => (environment[name] ?? '').trim();
  if (set('OTEL_SDK_DISABLED').toLowerCase() === 'true' || set('OTEL_TRACES_EXPORTER') === 'none') return false;
  const endpoints = ENDPOINTS.filter((name) => set(name) !== '');
  if (endpoints.length === 0) return false;
  for (const name of endpoints) {
    // Not repeated: an address may hold a password.
    if (!isHttp(set(name)))
      throw new SettingsError(`${name} is no address of a collector. Allowed: http:// or https:// and a host.`);
  }
  const protocol = PROTOCOLS.find((name) => set(name) !== '');
  // A collector takes both forms at one address; it is told by the content type which one it gets.
  if (protocol !== undefined && !['http/json', 'http/protobuf'].includes(set(protocol))) {
    throw new SettingsError(
      `${protocol} is not spoken here. Allowed: http/json or http/protobuf, at a collector's port for HTTP.`,
    );
  }
  return true;
}

function isHttp(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
