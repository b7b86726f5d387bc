import type { FastifyBaseLogger } from 'fastify';
import { Tracing } from './tracing.js';

const PACKAGES = [
  '@opentelemetry/api',
  '@opentelemetry/exporter-trace-otlp-http',
  '@opentelemetry/resources',
  '@opentelemetry/sdk-trace-base',
];

/** The time for sending the last spans, in ms. An unavailable collector must not delay the shutdown. */
const FLUSH_TIME = 2_000;

/** The length at which messages of OpenTelemetry are cut. */
const MAX_MESSAGE = 300;

/**
 * Starts tracing with OpenTelemetry, whose packages are only loaded here. OpenTelemetry itself reads the variables of
 * its specification, such as the collector's address and the name of the service. Reading them here too would lead to
 * differences.
 *
 * @throws Error that says what to install
 */
export async function openTracing(logger: Pick<FastifyBaseLogger, 'warn'>): Promise<Tracing> {
  const { api, sdk, resources, exporter } = await load();
  api.diag.setLogger(
    {
      // Not its warnings: some repeat the address of the collector, which may contain a password.
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
    // Not registered globally, because the process may use another tracer.
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
      `OTEL_EXPORTER_OTLP_ENDPOINT enables tracing, but OpenTelemetry is not installed. Run: npm install ${PACKAGES.join(' ')}, or unset the variable.`,
      { cause: error },
    );
  }
}

async function atMost(ms: number, work: Promise<void>): Promise<void> {
  let timer;
  const timeUp = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  // The exporter reports spans that could not be sent.
  await Promise.race([work.catch(() => undefined), timeUp]);
  clearTimeout(timer);
}
