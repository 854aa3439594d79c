import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

/** Spans that wait to be sent, at most; more are dropped. */
const maxQueueSize = 2048;

/** OpenTelemetry's own parts, in a file of their own: it is loaded only where traces are on. */
export function otlpProvider(attributes: Readonly<Record<string, string>>, tell: (problem: string) => void) {
  const ignore = (): void => {};
  const logger: DiagLogger = { error: tell, warn: tell, info: ignore, debug: ignore, verbose: ignore };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  return new TracerProvider({
    resource: resourceFromAttributes(attributes),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), maxQueueSize })],
  });
}
