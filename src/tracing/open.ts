import type { FastifyBaseLogger } from 'fastify';
import { Tracing } from './tracing.js';

const PACKAGES = [
  '@opentelemetry/api',
  '@opentelemetry/exporter-trace-otlp-http',
  '@opentelemetry/resources',
  '@opentelemetry/sdk-trace-base',
];

/** How long the last spans may take to be sent, in ms: a collector that is away must not hold up the end. */
const FLUSH_TIME = 2_000;

/** What OpenTelemetry says of itself is cut here. */
const MAX_MESSAGE = 300;

/**
 * Tracing by OpenTelemetry, whose packages are loaded here and nowhere else. Where spans go, how many are kept and what
 * the service is called its own parts read from the variables of OpenTelemetry's specification: they are its documented
 * interface, and a second reading here would differ from it in some corner.
 *
 * @throws Error that says what to install
 */
export async function openTracing(logger: Pick<FastifyBaseLogger, 'warn'>): Promise<Tracing> {
  const { api, sdk, resources, exporter } = await load();
  api.diag.setLogger(
    {
      // Not its warnings: some repeat the collector's address, in which a password may stand.
      error: (message) => logger.warn({ reason: message.slice(0, MAX_MESSAGE) }, 'tracing failed'),
      warn: () => undefined,
      info: () => undefined,
      debug: () => undefined,
      verbose: () => undefined,
    },
    { logLevel: api.DiagLogLevel.ERROR, suppressOverrideMessage: true },
  );
  const provider = new sdk.BasicTracerProvider({
    resource: resources
      .defaultResource()
      .merge(resources.resourceFromAttributes({ 'service.name': 'latchkey' }))
      .merge(resources.detectResources({ detectors: [resources.envDetector] })),
    spanProcessors: [new sdk.BatchSpanProcessor(new exporter.OTLPTraceExporter())],
  });
  return new Tracing({
    api,
    // Not registered as the process' own: a library's choice of tracer is none of ours.
    tracer: provider.getTracer('latchkey'),
    flush: () => atMost(FLUSH_TIME, provider.shutdown()),
  });
}

async function load() {
  try {
    const [api, exporter, resources, sdk] = await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/sdk-trace-base'),
    ]);
    return { api, exporter, resources, sdk };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error(
      `Tracing is asked for by OTEL_EXPORTER_OTLP_ENDPOINT, and OpenTelemetry is not installed. Run: npm install ${PACKAGES.join(' ')}, or unset the variable.`,
      { cause: error },
    );
  }
}

async function atMost(ms: number, work: Promise<void>): Promise<void> {
  let timer;
  const timeUp = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  // What could not be sent is told by the exporter itself.
  await Promise.race([work.catch(() => undefined), timeUp]);
  clearTimeout(timer);
}
