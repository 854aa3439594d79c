import type { Tracer } from '@opentelemetry/api';
import type { Logger } from '../../runtime/log.ts';
import { version } from '../version.ts';

/** Milliseconds that the last spans may take at the end. */
const flushTimeout = 2_000;

export interface Tracing {
  readonly tracer: Tracer;
  /** Sends what is left, for a bounded time. */
  readonly close: () => Promise<void>;
}

/**
 * OpenTelemetry traces, where `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` names a collector
 * (OTLP over HTTP); undefined without, and then nothing of it is loaded. The other variables of its exporter work too:
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */
export async function startTracing(
  name: string,
  log: Logger,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Tracing | undefined> {
  if ((env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ?? env['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? '') === '') return undefined;
  let told: string | undefined;
  const tell = (message: string): void => {
    if (message !== told) log.warn({ event: 'trace.notExported' }, message);
    told = message;
  };
  const { otlpProvider } = await import('./otlp.ts');
  const attributes = {
    'service.name': env['OTEL_SERVICE_NAME'] ?? `ticker-operator-${name}`,
    'service.version': version,
    ...(env['POD_NAME'] !== undefined && { 'service.instance.id': env['POD_NAME'] }),
  };
  const provider = otlpProvider(attributes, tell);
  return {
    tracer: provider.getTracer('ticker-operator', version),
    close: async () => {
      await provider.forceFlush({ timeoutMillis: flushTimeout }).catch((error: unknown) => tell(String(error)));
      await provider.shutdown().catch((error: unknown) => tell(String(error)));
    },
  };
}
