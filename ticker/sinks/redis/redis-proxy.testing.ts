import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';

/** A TCP proxy before a Redis, whose way back and forth a test breaks. */
export interface RedisProxy {
  readonly url: string;
  /** What becomes of replies: `swallow` loses them, as a network that breaks after the request does. */
  replies: 'pass' | 'swallow';
  /** Connections that are open now go silent in both directions and stay open; new ones work. */
  halfOpen(): void;
  /** Milliseconds that each reply is late. */
  latency: number;
  /** Connections that were accepted since the start. */
  readonly accepted: number;
  close(): Promise<void>;
}

export async function startProxy(port: number): Promise<RedisProxy> {
  const sockets = new Set<Socket>();
  let silent = new Set<Socket>();
  let accepted = 0;
  const server = createServer((client) => {
    accepted++;
    const redis = createConnection(port, '127.0.0.1');
    for (const socket of [client, redis]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    client.on('data', (bytes) => {
      if (!silent.has(client)) redis.write(bytes);
    });
    redis.on('data', (bytes) => {
      if (silent.has(client) || proxy.replies === 'swallow') return;
      if (proxy.latency === 0) client.write(bytes);
      else setTimeout(() => client.write(bytes), proxy.latency);
    });
    const end = (): void => {
      client.destroy();
      redis.destroy();
      sockets.delete(client);
      sockets.delete(redis);
    };
    client.on('close', end);
    redis.on('close', end);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const proxy: RedisProxy = {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    replies: 'pass',
    latency: 0,
    halfOpen: () => {
      silent = new Set(sockets);
    },
    get accepted() {
      return accepted;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}
