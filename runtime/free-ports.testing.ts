import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/**
 * Below the range from which a kernel takes the ports of outgoing connections (32768 on; `ip_local_port_range`): one of those
 * may be taken before the server that it was chosen for listens, or while that server is stopped. A client that tries to
 * reach it then may even reach itself.
 */
const [lowest, beyond] = [20_000, 30_000];

const handedOut = new Set<number>();

/** Ports of the loopback interface that nobody listens on now, all different, and never the same twice in a process. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = randomInt(lowest, beyond);
    if (handedOut.has(port)) continue;
    handedOut.add(port);
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port!;
}

async function isFree(port: number): Promise<boolean> {
  const server: Server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
  });
  if (!free) return false;
  server.close();
  await once(server, 'close');
  return true;
}
