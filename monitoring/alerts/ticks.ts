import { quantile, rateBy, sumBy } from '../promql.ts';
import { type Alert, accountOpen, always } from './definition.ts';

const account = 'namespace, account';

/** What comes from the broker. */
export const tickAlerts: readonly Alert[] = [
  {
    name: 'TickerTicksStale',
    severity: 'critical',
    hours: accountOpen,
    for: '1m',
    expr: `min by (${account}) (ticker_last_tick_age_seconds) > 60 and on (${account}) ${sumBy(account, 'ticker_instruments_subscribed')} > 0`,
    summary: 'Account {{ $labels.account }} is connected and its market is open, but no tick comes.',
    description: 'The newest tick is {{ $value | humanizeDuration }} old.',
  },
  {
    name: 'TickerInstrumentsSilent',
    severity: 'warning',
    hours: accountOpen,
    for: '10m',
    expr: `${sumBy(account, 'ticker_instruments_silent')} / ${sumBy(account, 'ticker_instruments_subscribed')} > 0.1`,
    summary: 'Many instruments of account {{ $labels.account }} send nothing although they were subscribed again.',
    description: '{{ $value | humanizePercentage }} of its instruments are silent.',
  },
  {
    name: 'TickerTicksInvalid',
    severity: 'warning',
    hours: always,
    for: '10m',
    expr: `${rateBy(account, 'ticker_ticks_invalid_total', '5m')} / ${rateBy(account, 'ticker_ticks_received_total', '5m')} > 0.01`,
    summary: 'Many ticks of account {{ $labels.account }} break validation rules and are kept out.',
    description: '{{ $value | humanizePercentage }} of the ticks received are invalid.',
  },
  {
    name: 'TickerFramesMalformed',
    severity: 'warning',
    hours: always,
    for: '5m',
    expr: `${rateBy(account, 'ticker_frames_malformed_total', '5m')} / ${rateBy(account, 'ticker_frames_received_total', '5m')} > 0.001`,
    summary: 'The broker sends account {{ $labels.account }} frames that cannot be decoded.',
    description:
      '{{ $value | humanizePercentage }} of the frames are malformed; the broker may have changed its protocol.',
  },
  {
    name: 'TickerExchangeDelay',
    severity: 'warning',
    hours: always,
    for: '10m',
    expr: `${quantile(0.9, 'namespace, shard', 'ticker_exchange_delay_seconds_bucket', '5m')} > 5`,
    summary: 'Ticks reach {{ $labels.shard }} seconds after the exchange made them.',
    description:
      'P90 is {{ $value | humanizeDuration }}, before anything is done here: the broker or the network is late, or a clock is wrong.',
  },
];
