import { tableFromIPC } from 'apache-arrow';
import { Redis } from 'ioredis';
import { Samples } from '../measure.ts';
import { listen, tell } from './messages.ts';

/**
 * A reader as a process, with nothing of the project's own code: it counts ticks, proves by `seq` that no batch is
 * missing or came twice, and reads every {@link checkEvery}th batch to its last value: a paced one after what is timed.
 */
const checkEvery = 97;
/**
 * Batches after which a paced subscriber collects its young garbage. Nearly all of it is outside the heap, and V8 by itself
 * waits until whole collections are due for it, of 5 to 17 ms each, which would be measured as delivery.
 */
const collectEvery = 64;
/** Milliseconds between two words of a paced subscriber of how far it is: each wakes two processes more. */
const tellEvery = 20;
/** Faults that are told. */
const mostFaults = 10;

interface Header {
  readonly epoch: number;
  readonly claim: number;
  readonly seq: number;
  readonly count: number;
  readonly overlap?: boolean;
}

const [url, channel, format, greeks, pace] = process.argv.slice(2) as [string, string, string, string, string];
const paced = pace === 'paced';
const last = new Map<string, number>();
const faults: string[] = [];
let ticks = 0;
let batches = 0;
let bytes = 0;
let missing = 0;
let repeated = 0;
let checked = 0;
let telling = false;
/** Batches that are still to be read, and what they say of their rows. */
const unread: [payload: Buffer, count: number][] = [];

const redis = new Redis(url);
const beforeColumns = Buffer.from(',"columns":');
/** In an Arrow stream the header is a text of the schema's metadata, which ends with a NUL. */
const beginning = Buffer.from('{"v":');
const ending = Buffer.from([0]);
const receiveTime = Buffer.from('"receive_time":[');
const delays = new Samples();
redis.on('messageBuffer', (_: Buffer, payload: Buffer) => {
  if (paced) addDelay(payload);
  const header = headerOf(payload);
  if (header.count === 0) return;
  const token = `${header.epoch}.${header.claim}`;
  const expected = (last.get(token) ?? 0) + 1;
  if (header.seq > expected) missing += header.seq - expected;
  if (header.seq < expected) repeated++;
  last.set(token, Math.max(header.seq, expected));
  ticks += header.count;
  bytes += payload.length;
  if (batches++ % checkEvery === 0) {
    unread.push([payload, header.count]);
    if (!paced) checkUnread();
  }
  if (paced && batches % collectEvery === 0) void globalThis.gc?.({ type: 'minor' });
  if (!paced) tell({ kind: 'received', ticks });
  else if (!telling) {
    telling = true;
    setTimeout(() => {
      telling = false;
      tell({ kind: 'received', ticks });
    }, tellEvery);
  }
});
listen((message) => {
  if (message.kind === 'stop') process.exit(0);
  if (message.kind === 'forget') delays.clear();
  if (message.kind !== 'report') return;
  checkUnread();
  const delivery = delays.percentiles();
  tell({ kind: 'subscriber', report: { ticks, batches, bytes, missing, repeated, checked, faults, delivery } });
});
await redis.subscribe(channel);
tell({ kind: 'ready' });

/** From the arrival of the frame at the shard, which its rows say, to now; the processes have one clock. */
function addDelay(payload: Buffer): void {
  const now = performance.timeOrigin + performance.now();
  const start = payload.indexOf(receiveTime);
  if (start < 0) return;
  const from = start + receiveTime.length;
  delays.add(now - Number.parseInt(payload.toString('latin1', from, from + 16), 10) / 1000);
}

function headerOf(payload: Buffer): Header {
  if (format === 'json') {
    return JSON.parse(`${payload.toString('latin1', 0, payload.indexOf(beforeColumns))}}`) as Header;
  }
  const start = payload.indexOf(beginning);
  return JSON.parse(payload.toString('latin1', start, payload.indexOf(ending, start))) as Header;
}

function columnsOf(payload: Buffer): Record<string, unknown[]> {
  if (format === 'json')
    return (JSON.parse(payload.toString('latin1')) as { columns: Record<string, unknown[]> }).columns;
  const table = tableFromIPC(payload);
  return Object.fromEntries(table.schema.fields.map(({ name }) => [name, [...(table.getChild(name) ?? [])]]));
}

function checkUnread(): void {
  for (const [payload, count] of unread.splice(0)) check(payload, count);
}

function check(payload: Buffer, count: number): void {
  checked++;
  const columns = columnsOf(payload);
  const wanted = ['token', 'symbol', 'last_price', 'volume', ...(greeks === 'greeks' ? ['iv', 'delta', 'rho'] : [])];
  for (const name of wanted) {
    const column = columns[name];
    const nulls = column?.filter((value) => value === null).length ?? count;
    if (column?.length !== count || nulls > 0) fault(`${name}: ${column?.length} of ${count} values, ${nulls} null`);
  }
}

function fault(text: string): void {
  if (faults.length < mostFaults) faults.push(text);
}
