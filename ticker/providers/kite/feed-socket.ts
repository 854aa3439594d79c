import type { ClientRequestArgs } from 'node:http';
import { connect as connectTcp, isIP, type Socket, type TcpSocketConnectOpts } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { WholeFrames } from './whole-frames.ts';

/** What ends the head of an HTTP response. */
const endOfHead = Buffer.from('\r\n\r\n');
const switchingProtocols = /^HTTP\/1\.1 101 /;
/** Bytes of a response's head; beyond, it is the HTTP parser's to refuse. */
const mostHeadBytes = 64 * 1024;

/**
 * Opens the socket of a WebSocket client that reads into memory that is used again for every read ({@link WholeFrames}):
 * what is passed to `ws` as `createConnection`. The frames of a `data` event are valid until its listeners return. Until
 * the protocol is switched it is an ordinary socket.
 *
 * @param mostBytes of a frame
 */
export function openFeedSocket(options: ClientRequestArgs, secure: boolean, mostBytes: number): Socket {
  const frames = new WholeFrames(mostBytes);
  let head: Buffer | undefined = Buffer.alloc(0);
  let switched = false;
  const take = (chunk: Buffer, kept: boolean): void => {
    // Only a socket that flows hands its bytes on at once; else they wait in its buffer.
    if (socket.readableFlowing === true && socket.readableLength === 0) socket.emit('data', chunk);
    else socket.push(kept ? chunk : Buffer.from(chunk));
  };
  const beforeSwitch = (bytes: Buffer): void => {
    if (head === undefined) {
      socket.push(bytes);
      return;
    }
    head = Buffer.concat([head, bytes]);
    const end = head.indexOf(endOfHead);
    if (end < 0 && head.length < mostHeadBytes) return;
    const whole = head;
    const length = end + endOfHead.length;
    head = undefined;
    if (end < 0 || !switchingProtocols.test(whole.toString('latin1', 0, length))) {
      socket.push(whole);
      return;
    }
    // What follows the head is frames already; its listener must have been told of the switch first.
    switched = true;
    socket.push(whole.subarray(0, length));
    const rest = whole.subarray(length);
    for (let at = 0; at < rest.length; ) {
      const copied = rest.copy(frames.space, 0, at);
      at += copied;
      frames.filled(copied, take);
    }
  };
  const onread = {
    buffer: () => frames.space,
    callback: (bytes: number, memory: Uint8Array): boolean => {
      if (switched) frames.filled(bytes, take);
      else beforeSwitch(Buffer.from(memory.subarray(0, bytes)));
      return true;
    },
  };
  // `path` is the request's, not a local socket's.
  const where = { ...options, path: undefined, onread };
  const socket: Socket = secure
    ? connectTls({ ...where, servername: nameOf(options) } as ConnectionOptions)
    : connectTcp(where as TcpSocketConnectOpts);
  return socket;
}

/** What the certificate is for: an address is not a name. */
function nameOf({ servername, host }: ClientRequestArgs & { readonly servername?: string }): string {
  if (servername !== undefined && servername !== '') return servername;
  return host == null || isIP(host) > 0 ? '' : host;
}
