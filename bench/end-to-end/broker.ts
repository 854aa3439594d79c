import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { packetBytes } from '../../ticker/providers/kite/simulator/encoder.ts';
import { listen, tell } from './messages.ts';
import { inFrames, type RecordedMode, record } from './recording.ts';

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
const volumeGrowth = growthOfVolume();
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
  patch(frame, all);
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

/**
 * Lets time and volume go on from the pass before, as in a market. In place: a copy of each frame would be collected in
 * pauses of 5 to 10 ms, and a pause of the broker is a burst of frames. No frame of the pass before is still to be
 * written: all of a recording is many times what may wait in the socket.
 */
function patch(bytes: Uint8Array, packets: number): void {
  const frame = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const seconds = Math.floor((performance.timeOrigin + performance.now()) / 1000);
  const growth = pass === 0 ? 0 : volumeGrowth;
  let at = 2;
  for (let packet = 0; packet < packets; packet++) {
    const length = frame.getUint16(at);
    const start = at + 2;
    if (length >= packetBytes.quote) frame.setInt32(start + 16, frame.getInt32(start + 16) + growth);
    if (length === packetBytes.full) {
      frame.setInt32(start + 44, seconds);
      frame.setInt32(start + 60, seconds);
    } else if (length === packetBytes.indexFull) frame.setInt32(start + 28, seconds);
    at = start + length;
  }
}

/** More than any instrument's volume grows in one pass. */
function growthOfVolume(): number {
  const first = new Map<number, number>();
  let growth = 0;
  recording.frames.forEach((frame, index) => {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    let at = 2;
    for (let packet = 0; packet < recording.packets[index]!.all; packet++) {
      const length = view.getUint16(at);
      if (length >= packetBytes.quote) {
        const token = view.getUint32(at + 2);
        const volume = view.getInt32(at + 18);
        if (!first.has(token)) first.set(token, volume);
        growth = Math.max(growth, volume - first.get(token)!);
      }
      at += 2 + length;
    }
  });
  return growth + 1;
}
