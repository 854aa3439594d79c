import { increaseBy, leader, maxBy, sumBy } from '../promql.ts';
import { type Alert, accountOpen, always } from './definition.ts';

const account = 'namespace, account';
/** An account that somebody has suspended has no capacity. */
const suspended = `${maxBy(account, leader('ticker_operator_account_capacity'))} == 0`;

/** Logins and connections at the broker. */
export const accountAlerts: readonly Alert[] = [
  {
    name: 'TickerAccountDown',
    severity: 'critical',
    hours: accountOpen,
    for: '2m',
    expr: `(${sumBy(account, 'ticker_connections_open')} == 0 or ${maxBy(account, 'ticker_operator_account_session_open')} unless on (${account}) ticker_connections_open) unless on (${account}) ${suspended}`,
    summary: 'Account {{ $labels.account }} has no connection to its broker while its market is open.',
    description: 'No tick of this account comes. Instruments that another account may stream are moved there.',
  },
  {
    name: 'TickerCredentialsRefused',
    severity: 'critical',
    hours: accountOpen,
    for: '1m',
    expr: `${maxBy(account, 'ticker_account_credentials_valid')} == 0`,
    summary: 'The broker refuses the login of account {{ $labels.account }}: it wants a fresh access token.',
    description:
      'Log in at the broker and put the new token into the Secret that the account names; the rest happens by itself.',
  },
  {
    name: 'TickerConnectionLimit',
    severity: 'warning',
    hours: accountOpen,
    for: '2m',
    expr: `${increaseBy(account, 'ticker_connections_refused_total{code="PROVIDER_CONNECTION_LIMIT"}', '5m')} > 0 and on (${account}) ${sumBy(account, 'ticker_slices{phase="Connecting"}')} > 0`,
    summary: 'The broker allows account {{ $labels.account }} no further connection.',
    description: 'Another program uses this login, or spec.limits.connections says more than the broker allows.',
  },
  {
    name: 'TickerConnectionsUnstable',
    severity: 'warning',
    hours: accountOpen,
    for: '0m',
    expr: `${increaseBy(account, 'ticker_connections_lost_total', '15m')} > 5`,
    summary: 'Account {{ $labels.account }} loses its connection to the broker again and again.',
    description: '{{ $value | humanize }} connections were lost within 15 minutes; each loss is a gap.',
  },
  {
    name: 'TickerCapacityExhausted',
    severity: 'warning',
    hours: always,
    for: '5m',
    expr: `${sumBy('namespace', leader('ticker_operator_instruments_unplaced{reason="NoCapacity"}'))} > 0`,
    summary: 'The accounts of {{ $labels.namespace }} are full: {{ $value }} instruments are not streamed.',
    description: 'Every usable account is at its limit.',
  },
  {
    name: 'TickerInstrumentsWithoutAccount',
    severity: 'warning',
    hours: always,
    for: '5m',
    expr: `${sumBy('namespace, reason', leader('ticker_operator_instruments_unplaced{reason!="NoCapacity"}'))} > 0`,
    summary: '{{ $value }} instruments of {{ $labels.namespace }} have no account that may stream them.',
    description: '{{ $labels.reason }}: no account matches the set, or none that matches is usable.',
  },
];
