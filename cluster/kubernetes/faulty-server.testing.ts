import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { systemClock } from '../../runtime/clock.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { type CredentialSource, fixedCredential } from './credentials.ts';
import { KubernetesCluster, type KubernetesClusterOptions } from './kubernetes-cluster.ts';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** An HTTP server on loopback that answers as a test says: what a real API server does only on a bad day. */
export class FaultyServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #clusters: KubernetesCluster[] = [];
  /** `METHOD path?query` of each request. */
  readonly requests: string[] = [];
  readonly headers: IncomingMessage['headers'][] = [];

  private constructor(answer: Answer) {
    this.#server = createServer((request, response) => {
      this.requests.push(`${request.method} ${request.url}`);
      this.headers.push(request.headers);
      answer(request, response);
    });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(answer: Answer): Promise<FaultyServer> {
    const server = new FaultyServer(answer);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#sockets.size;
  }

  connect(
    options: Partial<KubernetesClusterOptions> = {},
    credentials: CredentialSource = fixedCredential({ token: 'secret-token' }),
  ): KubernetesCluster {
    const { port } = this.#server.address() as AddressInfo;
    const config = { server: new URL(`http://127.0.0.1:${port}/prefix/`), namespace: 'default', credentials };
    const cluster = new KubernetesCluster({ config, clock: systemClock, random: new SeededRandom(1), ...options });
    this.#clusters.push(cluster);
    return cluster;
  }

  /** Closes the server's end of every connection at once. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    for (const cluster of this.#clusters) cluster.close();
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

export function json(
  response: ServerResponse,
  code: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(code, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
}

export function status(code: number, fields: Record<string, unknown> = {}): Record<string, unknown> {
  return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, ...fields };
}
