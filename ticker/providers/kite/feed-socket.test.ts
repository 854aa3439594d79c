import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { ClientRequestArgs } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { openFeedSocket } from './feed-socket.ts';

const accepts = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const servers: Server[] = [];
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** A server that reads one request and then does what the test says, byte by byte. */
async function serve(secure: boolean, act: (socket: Socket, accept: string) => void): Promise<string> {
  const greet = (socket: Socket): void => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.once('data', (request: Buffer) => {
      const key = /sec-websocket-key: (.*)\r\n/i.exec(request.toString())?.[1] ?? '';
      act(
        socket,
        createHash('sha1')
          .update(key + accepts)
          .digest('base64'),
      );
    });
  };
  const server = secure ? createTlsServer(certificate(), greet) : createTcpServer(greet);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `${secure ? 'wss' : 'ws'}://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

function certificate(): { key: Buffer; cert: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), 'feed-'));
  try {
    const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
    const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
    const made = spawnSync('openssl', [...args, '-subj', '/CN=feed', '-keyout', key, '-out', cert], {
      encoding: 'utf8',
    });
    if (made.status !== 0) throw new Error(`openssl made no certificate: ${made.stderr}`);
    return { key: readFileSync(key), cert: readFileSync(cert) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function connect(url: string): WebSocket {
  return new WebSocket(url, {
    perMessageDeflate: false,
    rejectUnauthorized: false,
    createConnection: (options: unknown) =>
      openFeedSocket(options as ClientRequestArgs, url.startsWith('wss'), 1024 * 1024),
  });
}

const switching = (accept: string): string =>
  `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;

/** A frame of a server; whole and binary where nothing else is said. */
function frameOf(payload: Buffer, first = 0x82): Buffer {
  if (payload.length < 126) return Buffer.concat([Buffer.of(first, payload.length), payload]);
  const head = Buffer.alloc(10);
  head[0] = first;
  head[1] = 127;
  head.writeUInt32BE(payload.length, 6);
  return Buffer.concat([head, payload]);
}

describe.each([false, true])('over TLS: %s', (secure) => {
  test('every message arrives whole and in order, the first ones with the answer to the request, and while paused', async () => {
    const payloads = [3, 70_000, 0, 500_000, 1, 64_000].map((size, i) => Buffer.alloc(size, i + 1));
    const url = await serve(secure, (socket, accept) => {
      const bytes = Buffer.concat([Buffer.from(switching(accept)), ...payloads.map((payload) => frameOf(payload))]);
      socket.write(bytes.subarray(0, 40_000));
      setTimeout(() => socket.write(bytes.subarray(40_000)), 20);
    });
    const socket = connect(url);
    const received: Buffer[] = [];
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('open', () => {
        socket.pause();
        setTimeout(() => socket.resume(), 50);
      });
      socket.on('message', (data: Buffer) => {
        received.push(Buffer.from(data));
        if (received.length === payloads.length) resolve();
      });
    });
    expect(received.map((each, i) => each.equals(payloads[i]!))).toEqual(payloads.map(() => true));
    socket.terminate();
  });

  test('a message in parts, a ping in between and the words of a close are what was sent', async () => {
    const url = await serve(secure, (socket, accept) => {
      socket.write(switching(accept));
      socket.write(Buffer.concat([frameOf(Buffer.alloc(1000, 1), 0x02), frameOf(Buffer.from('beat'), 0x89)]));
      setTimeout(() => {
        socket.write(frameOf(Buffer.alloc(70_000, 2), 0x80));
        socket.write(frameOf(Buffer.alloc(70_000, 3)));
        socket.write(frameOf(Buffer.concat([Buffer.of(4001 >> 8, 4001 & 255), Buffer.from('enough of it')]), 0x88));
      }, 20);
    });
    const socket = connect(url);
    const received: Buffer[] = [];
    const pings: string[] = [];
    socket.on('ping', (data: Buffer) => pings.push(data.toString()));
    socket.on('message', (data: Buffer) => received.push(Buffer.from(data)));
    const [code, reason] = await new Promise<[number, string]>((resolve) => {
      socket.on('close', (at, why) => resolve([at, why.toString()]));
    });
    expect(received.map(({ length }) => length)).toEqual([71_000, 70_000]);
    expect(received[0]!.equals(Buffer.concat([Buffer.alloc(1000, 1), Buffer.alloc(70_000, 2)]))).toBe(true);
    expect(pings).toEqual(['beat']);
    expect([code, reason]).toEqual([4001, 'enough of it']);
  });

  test('a refusal is read as HTTP, however it is cut', async () => {
    const url = await serve(secure, (socket) => {
      socket.write('HTTP/1.1 403 Forbi');
      setTimeout(() => socket.end('dden\r\nContent-Length: 5\r\n\r\nsorry'), 10);
    });
    const socket = connect(url);
    const status = await new Promise<number | undefined>((resolve) => {
      socket.on('error', () => {});
      socket.on('unexpected-response', (_, response) => resolve(response.statusCode));
    });
    expect(status).toBe(403);
    socket.terminate();
  });
});
