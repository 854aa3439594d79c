import { WebSocket } from 'ws';
import type { SimulatorAddress } from './simulator.ts';

/** A bare client of the feed that keeps what it gets. */
export interface BrokerClient {
  readonly socket: WebSocket;
  readonly frames: Uint8Array[];
  readonly texts: { type: string; data: unknown }[];
  readonly closed: { code: number | undefined };
  send(message: object): void;
  /** Packets as [token, bytes]; throws where a frame is damaged. */
  packets(): [number, number][];
  /** Volume of each packet of a share, in order. */
  volumes(): number[];
}

/** Rejects with the HTTP status as its message where the upgrade is refused. */
export function connectClient(
  address: SimulatorAddress,
  apiKey = 'demo-a',
  token = `demo-token-${apiKey.at(-1)}`,
): Promise<BrokerClient> {
  const socket = new WebSocket(`${address.websocketUrl}/?api_key=${apiKey}&access_token=${token}`);
  const client: BrokerClient = {
    socket,
    frames: [],
    texts: [],
    closed: { code: undefined },
    send: (message) => socket.send(JSON.stringify(message)),
    packets: () => client.frames.flatMap((frame) => packetsOf(frame).map(({ token, length }) => [token, length])),
    volumes: () => client.frames.flatMap((frame) => packetsOf(frame).map(({ volume }) => volume)),
  };
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) client.frames.push(new Uint8Array(data));
    else client.texts.push(JSON.parse(String(data)));
  });
  socket.on('close', (code) => {
    client.closed.code = code;
  });
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve(client));
    socket.on('unexpected-response', (_request, response) => {
      reject(new Error(String(response.statusCode)));
      socket.terminate();
    });
    socket.on('error', reject);
  });
}

interface Packet {
  readonly token: number;
  readonly length: number;
  readonly volume: number;
}

/** Where a packet of a share, in mode quote or full, has its volume. */
const volumeAt = 16;

function packetsOf(frame: Uint8Array): Packet[] {
  const found: Packet[] = [];
  if (frame.length < 2) return found;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  let at = 2;
  for (let index = 0; index < view.getUint16(0); index++) {
    const length = view.getUint16(at);
    const volume = length > volumeAt ? view.getUint32(at + 2 + volumeAt) : 0;
    found.push({ token: view.getUint32(at + 2), length, volume });
    at += 2 + length;
  }
  if (at !== frame.length) throw new RangeError('the frame does not end where its packets do');
  return found;
}
