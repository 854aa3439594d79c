import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { freePort } from '../../../runtime/free-ports.testing.ts';

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

/** Files of a directory of certificates: `ca.crt`, `server.crt`, `server.key`. */
function tlsArguments(directory: string): string[] {
  const file = (name: string): string => join(directory, name);
  const own = ['--tls-cert-file', file('server.crt'), '--tls-key-file', file('server.key')];
  return [...own, '--tls-ca-cert-file', file('ca.crt'), '--tls-replication', 'yes'];
}

/**
 * @param args more of `redis-server`'s options, e.g. `['--requirepass', 'x']`
 * @param certificates directory with those of a server that speaks TLS only, and asks its clients for theirs
 */
export async function startRedis(
  args: readonly string[] = [],
  port?: number,
  certificates?: string,
): Promise<RedisServer> {
  await access(binary).catch(() => {
    throw new Error(`${binary} is missing: install it (apt-get install redis-server); these tests run on a real one`);
  });
  const directory = await mkdtemp(join(tmpdir(), 'redis-'));
  const chosen = port ?? (await freePort());
  const start = (): Promise<ChildProcess> => launch(chosen, directory, args, certificates);
  let child = await start();
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  return {
    url: `${certificates === undefined ? 'redis' : 'rediss'}://127.0.0.1:${chosen}`,
    port: chosen,
    kill,
    restart: async () => {
      await kill();
      child = await start();
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    stop: async () => {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function launch(
  port: number,
  directory: string,
  args: readonly string[],
  certificates: string | undefined,
): Promise<ChildProcess> {
  const own = [
    ...(certificates === undefined
      ? ['--port', String(port)]
      : ['--port', '0', '--tls-port', String(port), ...tlsArguments(certificates)]),
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
    if (await answers(port, certificates !== undefined)) return child;
    await delay(10);
  }
  child.kill('SIGKILL');
  throw new Error(`redis-server did not answer on port ${port} within 5 s: ${output}`);
}

/** Whether a PING is answered, be it with an error: a server that wants a password is up too. */
function answers(port: number, tls: boolean): Promise<boolean> {
  return new Promise((resolve) => {
    // Without a certificate of its own it is refused, which is an answer; nothing else is asked of it.
    const socket: Socket = tls
      ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
      : createConnection(port, '127.0.0.1');
    const done = (up: boolean) => (): void => {
      socket.destroy();
      resolve(up);
    };
    socket.setTimeout(1000, done(false));
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (data) => done(!String(data).startsWith('-LOADING'))());
    socket.once('error', (error: NodeJS.ErrnoException) => done(tls && error.code !== 'ECONNREFUSED')());
  });
}
