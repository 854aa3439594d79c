import { leader, maxBy } from '../promql.ts';
import { type Alert, always, openElseWarn } from './definition.ts';

/** Who streams what. */
export const ownershipAlerts: readonly Alert[] = [
  {
    name: 'TickerDoubleOwned',
    severity: 'critical',
    hours: openElseWarn,
    for: '1m',
    expr: `${maxBy('namespace', leader('ticker_operator_slices_double_owned'))} > 0`,
    summary: 'Two ticker pods of {{ $labels.namespace }} say that they stream the same slice.',
    description:
      '{{ $value }} slices. The sink accepts one of the two; a connection is wasted, and something is broken.',
  },
  {
    name: 'TickerSlicesUnowned',
    severity: 'critical',
    hours: openElseWarn,
    for: '1m',
    expr: `${maxBy('namespace', leader('ticker_operator_slices_unowned'))} > 0`,
    summary: 'Instruments of {{ $labels.namespace }} are streamed by nobody.',
    description: '{{ $value }} slices have no live ticker pod; a takeover takes some 5 s when all is well.',
  },
  {
    name: 'TickerShardSuspect',
    severity: 'warning',
    hours: always,
    for: '5m',
    expr: `${maxBy('namespace', leader('ticker_operator_shards{state="suspect"}'))} > 0`,
    summary: '{{ $value }} ticker pods of {{ $labels.namespace }} do not renew their leases.',
    description:
      'Their slices were moved to others. A pod that is cut off, hangs, or is gone and left its lease behind.',
  },
  {
    name: 'TickerShardsNotReady',
    severity: 'warning',
    hours: always,
    for: '10m',
    expr: `${maxBy('namespace', leader('ticker_operator_workload_pods{state="wanted"}'))} - ${maxBy('namespace', leader('ticker_operator_workload_pods{state="ready"}'))} > 0`,
    summary: '{{ $value }} ticker pods of {{ $labels.namespace }} are missing or not Ready.',
    description: 'The others carry their load; there is less room for the next failure.',
  },
  {
    name: 'TickerLeaseLate',
    severity: 'warning',
    hours: always,
    for: '1m',
    expr: `${maxBy('namespace, shard', 'ticker_lease_renewal_age_seconds')} > 3`,
    summary: 'Ticker pod {{ $labels.shard }} of {{ $labels.namespace }} cannot renew its lease.',
    description: 'Last renewed {{ $value | humanizeDuration }} ago; above 3 s its slices move to other pods.',
  },
];
