import { compact, type Figure } from '../goals.ts';
import type { Outcome } from './outcome.ts';

const megabyte = 2 ** 20;
const none = { kind: 'exactly', value: 0 } as const;

/** The figures of one run of a stream, its goals beside them. */
export function figuresOf({ name, what, account, latency, memory, cpu, seconds }: Outcome): Figure[] {
  const ticks = (figure: string, value: number, checked = false): Figure => ({
    name: `${name}: ${figure}`,
    value,
    unit: 'ticks',
    ...(checked ? { goal: none, checked: true as const } : {}),
  });
  const bytes = (figure: string, value: number): Figure => ({
    name: `${name}: ${figure}`,
    value: value / megabyte,
    unit: 'MiB',
  });
  const milliseconds = (figure: string, value: number): Figure => ({
    name: `${name}: ${figure}`,
    value,
    unit: 'ms',
  });
  const { lostBatches } = account;
  return [
    { ...ticks('sent', account.sent), detail: what },
    ticks('received', account.received),
    ticks('lost', account.lost, true),
    ticks('duplicated', account.duplicated, true),
    ticks('invalid', account.invalid, true),
    ticks('not received from the broker', account.notReceived, true),
    ticks('repeated, and marked so', account.repeated),
    { ...ticks('lost by Redis', account.lostByRedis), ...(lostBatches.length > 0 && { detail: listed(lostBatches) }) },
    { ...ticks('batches that reader and ledger do not agree on', account.disputed, true), unit: 'batches' },
    ticks('dropped by the spool', account.dropped),
    ticks('dropped by the spool, less what the reader was told', account.dropped - account.told, true),
    ticks('missed on Pub/Sub', account.pubsubMissed),
    ticks('duplicated on Pub/Sub', account.pubsubDuplicated),
    milliseconds('P50, frame sent to reader', latency.p50),
    milliseconds('P95, frame sent to reader', latency.p95),
    milliseconds('P99, frame sent to reader', latency.p99),
    bytes('RSS at the start', memory.start),
    bytes('RSS at its peak', memory.peak),
    bytes('RSS at the end', memory.end),
    bytes('heap after a collection', memory.heap),
    { name: `${name}: CPU of the shard`, value: cpu, unit: 'cores', detail: `over ${compact(seconds)} s` },
  ];
}

/** Slice, token and `seq` of the batches that a reader lacks, as the headers name them. */
function listed(batches: Outcome['account']['lostBatches']): string {
  return batches.map(([uid, token, from, to]) => `(${uid}, ${token}, ${from}–${to})`).join(' ');
}

/** One line a run. */
export function streamTable(outcomes: readonly Outcome[]): string {
  const head = [
    'scenario',
    'sent',
    'received',
    'lost',
    'dupl.',
    'lost by Redis',
    'dropped = told',
    'Pub/Sub missed',
    'P50 / P95 / P99 ms',
    'RSS start / peak / end MiB',
    'heap MiB',
    'CPU',
  ];
  const rows = outcomes.map(({ name, account, latency, memory, cpu }) => [
    name,
    whole(account.sent),
    whole(account.received),
    whole(account.lost),
    whole(account.duplicated),
    whole(account.lostByRedis),
    `${whole(account.dropped)} = ${whole(account.told)}`,
    whole(account.pubsubMissed),
    [latency.p50, latency.p95, latency.p99].map(whole).join(' / '),
    [memory.start, memory.peak, memory.end].map((bytes) => whole(bytes / megabyte)).join(' / '),
    whole(memory.heap / megabyte),
    `${Math.round(cpu * 100)} %`,
  ]);
  return table([head, ...rows]);
}

export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(rows[0]!), rule, ...rows.slice(1).map(line)].join('\n');
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
