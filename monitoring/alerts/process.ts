import { increaseBy, maxBy } from '../promql.ts';
import { type Alert, always } from './definition.ts';

const process = 'namespace, job, pod, instance';

/** The processes themselves. */
export const processAlerts: readonly Alert[] = [
  {
    name: 'TickerEventLoopLag',
    severity: 'warning',
    hours: always,
    for: '5m',
    expr: `${maxBy(process, 'nodejs_eventloop_lag_p99_seconds and on (namespace, instance) ticker_build_info')} > 0.25`,
    summary: '{{ $labels.pod }} of {{ $labels.namespace }} is too busy: everything that it does is late.',
    description: "P99 of its event loop's lag is {{ $value | humanizeDuration }}. It lacks CPU, or has too much to do.",
  },
  {
    name: 'TickerMemoryHigh',
    severity: 'warning',
    hours: always,
    for: '5m',
    expr: `${maxBy(process, 'process_resident_memory_bytes / ticker_memory_limit_bytes')} > 0.9`,
    summary: '{{ $labels.pod }} of {{ $labels.namespace }} is about to run out of memory and be killed.',
    description: 'It uses {{ $value | humanizePercentage }} of its limit.',
  },
  {
    name: 'TickerTasksFailing',
    severity: 'warning',
    hours: always,
    for: '1m',
    expr: `${increaseBy('namespace, job, pod, task', 'ticker_task_failures_total', '10m')} > 3`,
    summary: 'Something in {{ $labels.pod }} fails and is started again, over and over: {{ $labels.task }}.',
    description: '{{ $value | humanize }} failures within 10 minutes.',
  },
];
