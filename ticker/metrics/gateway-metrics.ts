import type { MetricDefinition } from '../../runtime/metrics/definition.ts';
import type { Metrics } from '../../runtime/metrics/metrics.ts';
import type { Gateway } from '../gateway/gateway.ts';

/** What a gateway exposes. */
export const gatewayMetrics = {
  clients: {
    name: 'ticker_gateway_clients',
    type: 'gauge',
    help: 'WebSocket streams that are open.',
    unit: 'streams',
    labels: {},
  },
  opened: {
    name: 'ticker_gateway_clients_opened_total',
    type: 'counter',
    help: 'WebSocket streams that were opened.',
    unit: 'streams',
    labels: {},
  },
  refused: {
    name: 'ticker_gateway_clients_refused_total',
    type: 'counter',
    help: 'WebSocket streams that were turned away, by error code.',
    unit: 'streams',
    labels: {
      code: [
        'GATEWAY_UNKNOWN_SET',
        'GATEWAY_SET_NOT_PUBLISHED',
        'GATEWAY_ORIGIN_REFUSED',
        'GATEWAY_TOO_MANY_CLIENTS',
        'GATEWAY_BAD_REQUEST',
        'GATEWAY_BAD_POSITION',
        'GATEWAY_UNAUTHORIZED',
        'GATEWAY_INTERNAL',
        'SINK_UNAVAILABLE',
      ],
    },
  },
  requests: {
    name: 'ticker_gateway_http_requests_total',
    type: 'counter',
    help: 'Plain HTTP requests answered, by status.',
    unit: 'requests',
    labels: { status: ['200', '400', '401', '403', '404', '405', '409', '500', '503'] },
  },
  sent: {
    name: 'ticker_gateway_messages_sent_total',
    type: 'counter',
    help: 'WebSocket messages handed to clients: batches, latest values and notices, each for each client.',
    unit: 'messages',
    labels: {},
  },
  bytes: {
    name: 'ticker_gateway_sent_bytes_total',
    type: 'counter',
    help: 'Payloads of those messages.',
    unit: 'bytes',
    labels: {},
  },
  droppedBatches: {
    name: 'ticker_gateway_batches_dropped_total',
    type: 'counter',
    help: 'Batches that a client that read too slowly did not get; it is told how many and given the latest values.',
    unit: 'batches',
    labels: {},
  },
  droppedTicks: {
    name: 'ticker_gateway_ticks_dropped_total',
    type: 'counter',
    help: 'Ticks in those batches, where the format lets them be counted.',
    unit: 'ticks',
    labels: {},
  },
} as const satisfies Record<string, MetricDefinition>;

/** Exposes what a gateway counts. Returns how to end it. */
export function registerGatewayMetrics(metrics: Metrics, gateway: Pick<Gateway, 'clients' | 'traffic'>): () => void {
  const pulled = metrics.pulledAll(gatewayMetrics);
  return metrics.collect(() => {
    const { clients, traffic } = gateway;
    pulled.clients.add({}, clients);
    pulled.opened.add({}, traffic.opened);
    for (const [code, count] of traffic.refused) pulled.refused.add({ code }, count);
    for (const [status, count] of traffic.requests) pulled.requests.add({ status: String(status) }, count);
    pulled.sent.add({}, traffic.sent);
    pulled.bytes.add({}, traffic.bytes);
    pulled.droppedBatches.add({}, traffic.droppedBatches);
    pulled.droppedTicks.add({}, traffic.droppedTicks);
  });
}
