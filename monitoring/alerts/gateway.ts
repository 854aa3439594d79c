import { increaseBy, rateBy } from '../promql.ts';
import { type Alert, always } from './definition.ts';

const dropped = rateBy('namespace', 'ticker_gateway_batches_dropped_total', '5m');

/** Readers over WebSocket. */
export const gatewayAlerts: readonly Alert[] = [
  {
    name: 'TickerGatewaySlowReaders',
    severity: 'warning',
    hours: always,
    for: '5m',
    expr: `${dropped} / (${dropped} + ${rateBy('namespace', 'ticker_gateway_messages_sent_total', '5m')}) > 0.01`,
    summary: 'Readers of the gateway in {{ $labels.namespace }} are too slow and miss batches.',
    description: '{{ $value | humanizePercentage }} of what was to be sent was left out; those readers were told.',
  },
  {
    name: 'TickerGatewayRefusing',
    severity: 'warning',
    hours: always,
    for: '5m',
    expr: `${increaseBy('namespace, code', 'ticker_gateway_clients_refused_total{code=~"GATEWAY_TOO_MANY_CLIENTS|GATEWAY_INTERNAL|SINK_UNAVAILABLE"}', '5m')} > 0`,
    summary: 'The gateway in {{ $labels.namespace }} turns readers away: {{ $labels.code }}.',
    description: '{{ $value | humanize }} within 5 minutes.',
  },
];
