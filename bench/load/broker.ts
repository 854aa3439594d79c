import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { type BrokerConfig, configured, listen, micros, type SentRange, type SliceFeed, tell } from './messages.ts';
import { instrumentOf, OptionFeed, stampMicros } from './option-feed.ts';

/**
 * A broker as a process: Kite's login and feed over real WebSockets. It sends what it is told to at a rate by the clock,
 * each slice's share to the connection that subscribes its instruments; a socket that is not read holds it up, and what it
 * could not send then follows faster. A slice goes on where it was when it is connected again.
 */
const beatMillis = 1000;
const pumpMillis = 10;
/** Bytes that may wait in this process's socket. */
const bytesAhead = 4 * 1024 * 1024;
/** Seconds of a rate that may be made up for. */
const mostDebt = 5;

interface Line {
  readonly slice: SliceFeed;
  next: number;
  /** Ordered and not sent yet. */
  left: number;
  /** Due by the clock. */
  due: number;
  socket: WebSocket | undefined;
  range: SentRange | undefined;
}

const { plan, origin } = await configured<BrokerConfig>();
const feed = new OptionFeed(plan, performance.timeOrigin + performance.now());
const lines = feed.slices.map<Line>((slice) => ({
  slice,
  next: 0,
  left: 0,
  due: 0,
  socket: undefined,
  range: undefined,
}));
const ranges: SentRange[] = [];
let rate = 0;
let ordered = false;
let last = micros();

const server = createServer((_, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ status: 'success', data: { user_id: 'LOAD', last_price: 1 } }));
});
new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket) => {
  const subscribed = new Set<number>();
  let line: Line | undefined;
  const beat = setInterval(() => socket.send(Uint8Array.of(0)), beatMillis);
  socket.on('message', (text) => {
    const { a, v } = JSON.parse(String(text)) as { a: string; v: number[] };
    if (a !== 'subscribe') return;
    for (const token of v) if (instrumentOf(token) >= 0) subscribed.add(instrumentOf(token));
    const [any] = subscribed;
    const wanted = lines.find(({ slice }) => any! >= slice.first && any! < slice.first + slice.count);
    if (line !== undefined || wanted === undefined || subscribed.size < wanted.slice.count) return;
    line = wanted;
    line.socket = socket;
    line.due = 0;
    line.range = { uid: line.slice.uid, from: line.next, to: line.next };
    ranges.push(line.range);
  });
  socket.on('error', () => socket.terminate());
  socket.on('close', () => {
    clearInterval(beat);
    if (line?.socket === socket) line.socket = undefined;
  });
});

listen((message) => {
  if (message.kind === 'stream') {
    rate = message.rate;
    ordered = message.ticks !== undefined;
    const total = message.ticks ?? Number.POSITIVE_INFINITY;
    let before = 0;
    for (const line of lines) {
      // What is left over by rounding goes to the next.
      const upTo = Math.floor((total * (line.slice.first + line.slice.count)) / plan.instruments);
      line.left = Number.isFinite(total) ? upTo - before : total;
      line.due = 0;
      before = upTo;
    }
    last = micros();
  } else if (message.kind === 'report') tell({ kind: 'ranges', ranges });
  else if (message.kind === 'stop') process.exit(0);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
setInterval(pump, pumpMillis);
tell({ kind: 'broker', port: (server.address() as AddressInfo).port, slices: feed.slices });

function pump(): void {
  const now = micros();
  const seconds = (now - last) / 1e6;
  last = now;
  for (const line of lines) {
    const share = (rate * line.slice.count) / plan.instruments;
    if (line.socket !== undefined) line.due = Math.min(line.due + share * seconds, share * mostDebt);
    send(line);
  }
  if (!ordered || lines.some(({ left }) => left > 0)) return;
  ordered = false;
  tell({ kind: 'sent' });
}

function send(line: Line): void {
  const { slice, socket, range } = line;
  if (socket === undefined || range === undefined) return;
  let many = Math.min(Math.floor(line.due), line.left);
  while (many > 0 && socket.bufferedAmount < bytesAhead) {
    const stamp = Math.round((micros() - origin) / stampMicros);
    const { frame, to } = feed.frame(slice, line.next, line.next + many, range.from === line.next, stamp);
    socket.send(frame);
    const sent = to - line.next;
    line.next = to;
    range.to = to;
    line.due -= sent;
    line.left -= sent;
    many -= sent;
  }
}
