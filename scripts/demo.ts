import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';

/**
 * Proves the demo: starts it as a user would, reads every set over WebSocket with nothing of the project's own code,
 * waits for ticks with Greeks, ends it by SIGINT and compares what was published with what was received.
 */
const wanted = { ticks: 500, withGreeks: 100 };
/** Seconds after which the demo counts as broken. */
const deadline = 45;

interface Batch {
  set: string;
  slice: string;
  epoch: number;
  claim: number;
  seq: number;
  count: number;
  columns?: { symbol: string[]; last_price: number[]; iv?: (number | null)[]; delta?: (number | null)[] };
}

const received = { ticks: 0, withGreeks: 0, missing: 0 };
const last = new Map<string, number>();
const shown = new Map<string, number>();

function receive(text: string): void {
  const batch = JSON.parse(text) as Batch;
  if (!('seq' in batch) || batch.count === 0) return;
  const stream = `${batch.set} ${batch.slice} ${batch.epoch}.${batch.claim}`;
  received.missing += batch.seq - (last.get(stream) ?? 0) - 1;
  last.set(stream, batch.seq);
  received.ticks += batch.count;
  const { symbol = [], last_price: price = [], iv = [], delta = [] } = batch.columns ?? {};
  for (let row = 0; row < batch.count; row++) {
    const volatility = iv[row];
    const greeks =
      volatility === null || volatility === undefined
        ? ''
        : `  iv ${(volatility * 100).toFixed(1)} %  delta ${delta[row]?.toFixed(3)}`;
    if (greeks !== '') received.withGreeks++;
    const kind = greeks === '' ? 'plain' : 'greeks';
    const times = shown.get(kind) ?? 0;
    if (times < 6) console.log(`  ${symbol[row]}  ${price[row]}${greeks}`);
    shown.set(kind, times + 1);
  }
}

function fail(why: string): never {
  console.error(`demo: ${why}`);
  demo.kill('SIGKILL');
  process.exit(1);
}

const demo = spawn('bin/ticker-operator', ['standalone', '-f', 'samples/', '--port', '0'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const ended = new Promise<number | null>((resolve) => demo.once('exit', resolve));
const lines = createInterface({ input: demo.stdout });
let summary: Record<string, string> = {};
let gateway = '';
const sockets: WebSocket[] = [];
lines.on('line', (line) => {
  console.log(line);
  const listening = /gateway\s+(http:\/\/\S+?)\/?$/.exec(line);
  if (listening !== null) gateway = listening[1]!.replace('http', 'ws');
  const set = /^stream\s+(\S+)/.exec(line);
  if (set !== null && gateway !== '') {
    const socket = new WebSocket(`${gateway}/v1/stream?set=${set[1]}`);
    socket.on('message', (data) => receive(String(data)));
    socket.on('error', (error) => fail(`the reader of ${set[1]} failed: ${error.message}`));
    sockets.push(socket);
  }
  if (line.startsWith('summary: '))
    summary = Object.fromEntries([...line.matchAll(/(\w+)=(\S+)/g)].map((match) => [match[1]!, match[2]!]));
});

const started = Date.now();
let stopping = false;
const poll = setInterval(() => {
  if (Date.now() - started > deadline * 1000)
    fail(`no ${stopping ? 'end' : 'ticks with Greeks'} within ${deadline} s (received ${JSON.stringify(received)})`);
  if (!stopping && received.ticks >= wanted.ticks && received.withGreeks >= wanted.withGreeks) {
    stopping = true;
    demo.kill('SIGINT');
  }
}, 50);

const status = await ended;
clearInterval(poll);
for (const socket of sockets) socket.close();
const published = Number(summary['published']);
const lost = Number(summary['lost']) + (published - received.ticks);
if (status !== 0) fail(`standalone ended with status ${status}`);
if (received.missing !== 0) fail(`${received.missing} batches are missing`);
console.log(`demo: ticks_in=${summary['ticks_in']} published=${published} received=${received.ticks} lost=${lost}`);
process.exit(lost === 0 && sockets.length >= 2 ? 0 : 1);
