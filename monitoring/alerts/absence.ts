import { jobs, leader, maxBy } from '../promql.ts';
import { type Alert, always, openElseWarn } from './definition.ts';

/** What says nothing at all. */
export const absenceAlerts: readonly Alert[] = [
  {
    name: 'TickerWatchdog',
    severity: 'none',
    hours: always,
    for: '0m',
    expr: 'vector(1)',
    summary: 'Always on: the way from Prometheus to the receiver of alerts works.',
    description: "Send it to a dead man's switch, which pages when it no longer comes.",
  },
  {
    name: 'TickerNoData',
    severity: 'critical',
    hours: always,
    for: '3m',
    expr: 'absent(ticker_build_info)',
    summary: 'Prometheus gets no metrics of ticker-operator at all: nobody knows whether ticks flow.',
    description:
      'No operator, no ticker pod and no gateway was scraped. Every other alert is blind. It fires in a closed market too, for the calendar is unknown.',
  },
  {
    name: 'TickerOperatorAbsent',
    severity: 'critical',
    hours: openElseWarn,
    for: '3m',
    expr: 'group by (namespace) (ticker_build_info) unless on (namespace) ticker_operator_leading',
    summary: 'No operator runs in {{ $labels.namespace }}: ticks flow, but whatever fails now stays failed.',
    description: 'Other parts are scraped, but no replica of the operator is.',
  },
  {
    name: 'TickerShardsAbsent',
    severity: 'critical',
    hours: openElseWarn,
    for: '3m',
    expr: 'group by (namespace) (ticker_build_info) unless on (namespace) ticker_lease_renewal_age_seconds',
    summary: 'No ticker pod runs in {{ $labels.namespace }}: no tick is received.',
    description: 'Other parts are scraped, but no ticker pod is.',
  },
  {
    name: 'TickerTargetDown',
    severity: 'warning',
    hours: always,
    for: '5m',
    expr: `up{job=~"${jobs}"} == 0`,
    summary: 'Prometheus cannot scrape {{ $labels.job }} at {{ $labels.instance }} in {{ $labels.namespace }}.',
    description: 'Pod {{ $labels.pod }} is there, but does not answer at /metrics.',
  },
  {
    name: 'TickerShardsNotScraped',
    severity: 'warning',
    hours: always,
    for: '10m',
    expr: `${maxBy('namespace', leader('ticker_operator_workload_pods{state="present"}'))} - count by (namespace) (group by (namespace, shard) (ticker_lease_renewal_age_seconds)) > 0`,
    summary: '{{ $value }} ticker pods of {{ $labels.namespace }} are not scraped: alerts do not see their accounts.',
    description: 'The operator counts more ticker pods than Prometheus has metrics of.',
  },
];
