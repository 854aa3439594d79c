import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { RedisAccess, RedisTls } from '../ticker/sinks/redis/connection.ts';
import { parseRedisUrl } from '../ticker/sinks/redis/redis-url.ts';
import { badOption } from './options.ts';

/** What the options of {@link addRedisOptions} give a command. */
export interface RedisCliOptions {
  readonly redis?: string;
  readonly redisUsername?: string;
  readonly redisPasswordFile?: string;
  readonly redisCa?: string;
  readonly redisCert?: string;
  readonly redisKey?: string;
  readonly redisServerName?: string;
}

/** What a Redis wants beside its URL. */
export type RedisLogin = Omit<RedisAccess, 'url'>;

/** Adds `--redis` and what a login and TLS need to a command. No password is ever an argument but in the URL. */
export function addRedisOptions(command: Command, purpose: string): Command {
  return command
    .option('--redis <url>', `${purpose}: redis[s]://HOST[:PORT][/DATABASE], or redis[s]+cluster://HOST[:PORT],HOST…`)
    .option('--redis-username <name>', 'user to log in as; $REDIS_USERNAME where absent')
    .option('--redis-password-file <file>', 'file with the password; $REDIS_PASSWORD where absent')
    .option('--redis-ca <file>', 'PEM file of the authorities that sign the servers, with rediss')
    .option('--redis-cert <file>', 'PEM file of the certificate to show, with rediss')
    .option('--redis-key <file>', 'PEM file of its key')
    .option('--redis-server-name <name>', 'name that the certificates of the servers must have, with rediss');
}

/**
 * Reads the files that the options name.
 * @throws CLI_BAD_OPTION where one cannot be read, or does not go with the others
 */
export async function redisLogin(options: RedisCliOptions, environment = process.env): Promise<RedisLogin> {
  if (options.redis === undefined) return {};
  const { redisCa, redisCert, redisKey, redisServerName: serverName } = options;
  if ((redisCert === undefined) !== (redisKey === undefined)) {
    throw badOption('--redis-cert and --redis-key go together');
  }
  const [ca, cert, key, password] = await Promise.all([
    text(redisCa, '--redis-ca'),
    text(redisCert, '--redis-cert'),
    text(redisKey, '--redis-key'),
    text(options.redisPasswordFile, '--redis-password-file'),
  ]);
  const tls: RedisTls = {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(serverName !== undefined && { serverName }),
  };
  const hasTls = Object.keys(tls).length > 0;
  if (hasTls && !parseRedisUrl(options.redis).tls) {
    throw badOption('--redis-ca, --redis-cert and --redis-server-name want a URL that starts with rediss');
  }
  const login = {
    username: options.redisUsername ?? environment['REDIS_USERNAME'] ?? '',
    password: password?.replace(/\r?\n$/, '') ?? environment['REDIS_PASSWORD'] ?? '',
  };
  return {
    ...(hasTls && { tls }),
    ...(login.username !== '' && { username: login.username }),
    ...(login.password !== '' && { password: login.password }),
  };
}

async function text(path: string | undefined, option: string): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw badOption(`${option} ${path}: ${(error as NodeJS.ErrnoException).code ?? 'it cannot be read'}`);
  }
}
