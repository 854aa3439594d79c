import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { listen, tell } from './messages.ts';
import { inFrames, type RecordedMode, record } from './recording.ts';
import { goOn, growthOfVolume } from './replay.ts';

/**
 * A broker as a process: Kite's login and feed over a real WebSocket server, sending frames that were encoded before as
 * fast as they are taken. At most {@link ticksAhead} ticks are under way to the subscriber: Redis, the subscriber and
 * this process may have fewer cores than they want, and the shard's bounded outbox is not what is measured.
 */
const ticksAhead = 50_000;
/** Milliseconds between heartbeats; a feed without any is taken for dead. */
const heartbeat = 1000;
/** Bytes that wait in this process's socket. */
const bytesAhead = 1024 * 1024;

const mode = process.argv[2] as RecordedMode;
/** Ticks a second and packets a frame; 0 for as many as are taken, in frames as they were recorded. */
const [pace, packetsPerFrame] = [Number(process.argv[3]), Number(process.argv[4])];
const began = performance.timeOrigin + performance.now();
const recording = packetsPerFrame > 0 ? inFrames(record(mode, began), packetsPerFrame) : record(mode, began);
const volumeGrowth = growthOfVolume(recording);
let socket: WebSocket | undefined;
let wanted = 0;
let sent = 0;
let received = 0;
let next = 0;
let pass = 0;
let told = true;
let waiting = false;
let nextAt = 0;
let timed = false;

const server = createServer((_, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ status: 'success', data: { user_id: 'BENCH', last_price: 1 } }));
});
const feed = new WebSocketServer({ server, perMessageDeflate: false });
feed.on('connection', (opened) => {
  if (socket !== undefined) throw new Error('the shard connected again: what was under way is lost');
  socket = opened;
  const beat = setInterval(() => opened.send(Uint8Array.of(0)), heartbeat);
  opened.once('close', () => clearInterval(beat));
  opened.on('message', () => {
    if (sent === 0) pump();
  });
});

listen((message) => {
  if (message.kind === 'send') {
    wanted += message.ticks;
    told = false;
  } else if (message.kind === 'received') received = message.ticks;
  else if (message.kind === 'stop') process.exit(0);
  pump();
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
tell({ kind: 'ready', port: (server.address() as AddressInfo).port, groups: recording.groups });

/** Sends whole frames until enough is sent, or under way. */
function pump(): void {
  if (socket === undefined || waiting) return;
  while (sent < wanted && sent - received < ticksAhead) {
    if (pace > 0 && early(recording.packets[next]!.all)) return;
    send(socket);
    if (waiting) return;
  }
  if (sent >= wanted && !told) {
    told = true;
    tell({ kind: 'sent', ticks: sent });
  }
}

/** Sends the next frame; waits for the socket where much of it is still to go. */
function send(to: WebSocket): void {
  const { all, underlyings } = recording.packets[next]!;
  const frame = recording.frames[next]!;
  const seconds = Math.floor((performance.timeOrigin + performance.now()) / 1000);
  // No frame of the pass before is still to be written: all of a recording is many times what may wait in the socket.
  goOn(frame, all, seconds, pass === 0 ? 0 : volumeGrowth);
  sent += all - underlyings;
  next = (next + 1) % recording.frames.length;
  if (next === 0) pass++;
  waiting = to.bufferedAmount + frame.length > bytesAhead;
  if (!waiting) to.send(frame);
  else {
    to.send(frame, () => {
      waiting = false;
      pump();
    });
  }
}

/** Whether the next frame, of so many packets, would be before its time; then it is sent later. */
function early(packets: number): boolean {
  const now = performance.now();
  // What the pace owes from while nothing was wanted is not made up for.
  if (now - nextAt > 50) nextAt = now;
  if (now >= nextAt) {
    nextAt += (packets * 1000) / pace;
    return false;
  }
  if (!timed) {
    timed = true;
    setTimeout(() => {
      timed = false;
      pump();
    }, 1);
  }
  return true;
}
