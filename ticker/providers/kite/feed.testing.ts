import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

/** A bare WebSocket server that does what a test says, byte by byte; the simulated broker behaves, this one need not. */
export class ScriptedFeed {
  readonly #server: Server = createServer();
  readonly #sockets = new Set<Socket>();
  readonly #upgrade = new WebSocketServer({ noServer: true });
  readonly #arrivals: WebSocket[] = [];
  readonly #waiting: ((socket: WebSocket) => void)[] = [];
  /** Every upgrade request, in order. */
  readonly requests: IncomingMessage[] = [];
  /** Text messages received, in order, parsed. */
  readonly received: unknown[] = [];
  /** What to do with an upgrade: open it, answer with a status, or leave it without an answer. */
  answer: 'open' | 'ignore' | number = 'open';

  async start(): Promise<string> {
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
    });
    this.#server.on('upgrade', (request, socket, head) => {
      this.requests.push(request);
      if (this.answer === 'ignore') return;
      if (typeof this.answer === 'number') {
        socket.end(`HTTP/1.1 ${this.answer} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
        return;
      }
      this.#upgrade.handleUpgrade(request, socket, head, (opened) => {
        opened.on('error', () => {});
        opened.on('message', (data) => this.received.push(JSON.parse(String(data))));
        const next = this.#waiting.shift();
        if (next === undefined) this.#arrivals.push(opened);
        else next(opened);
      });
    });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const { port } = this.#server.address() as AddressInfo;
    return `ws://127.0.0.1:${port}/feed?v=1`;
  }

  /** The broker's side of the next connection. */
  socket(): Promise<WebSocket> {
    const arrived = this.#arrivals.shift();
    return arrived !== undefined
      ? Promise.resolve(arrived)
      : new Promise((resolve) => {
          this.#waiting.push(resolve);
        });
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
