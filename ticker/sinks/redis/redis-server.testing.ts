import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const binary = '/usr/bin/redis-server';

/** A real Redis for tests, on a free loopback port, with its data in a directory of its own. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** Ends it at once, as a crash would; its data is lost unless `appendonly` is on. */
  kill(): Promise<void>;
  /** Starts it again on the same port. */
  restart(): Promise<void>;
  /** Freezes it: connections stay open and nothing is answered. */
  pause(): void;
  resume(): void;
  /** Ends it and removes its directory. */
  stop(): Promise<void>;
}

/** @param args more of `redis-server`'s options, e.g. `['--requirepass', 'x']` */
export async function startRedis(args: readonly string[] = [], port?: number): Promise<RedisServer> {
  await access(binary).catch(() => {
    throw new Error(`${binary} is missing: install it (apt-get install redis-server); these tests run on a real one`);
  });
  const directory = await mkdtemp(join(tmpdir(), 'redis-'));
  const chosen = port ?? (await freePort());
  let child = await launch(chosen, directory, args);
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  return {
    url: `redis://127.0.0.1:${chosen}`,
    port: chosen,
    kill,
    restart: async () => {
      await kill();
      child = await launch(chosen, directory, args);
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    stop: async () => {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A port of the loopback interface that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function launch(port: number, directory: string, args: readonly string[]): Promise<ChildProcess> {
  const own = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    directory,
    '--save',
    '',
    '--loglevel',
    'warning',
  ];
  const child = spawn(binary, [...own, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  for (let attempt = 0; attempt < 500; attempt++) {
    if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}: ${output}`);
    if (await answers(port)) return child;
    await delay(10);
  }
  child.kill('SIGKILL');
  throw new Error(`redis-server did not answer on port ${port} within 5 s: ${output}`);
}

/** Whether a PING is answered, be it with an error: a server that wants a password is up too. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    const done = (up: boolean) => (): void => {
      socket.destroy();
      resolve(up);
    };
    socket.setTimeout(1000, done(false));
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (data) => done(!String(data).startsWith('-LOADING'))());
    socket.once('error', done(false));
  });
}
