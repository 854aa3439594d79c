import { badRedisUrl } from '../errors.ts';

/** Where a Redis is and how to log in there. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly database: number;
  readonly username?: string;
  readonly password?: string;
}

/**
 * Reads `redis://[user:password@]host[:port][/database]` or `rediss://…`.
 * @throws SINK_BAD_REDIS_URL; its message never repeats the URL, which may hold a password
 */
export function parseRedisUrl(text: string): RedisAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw badRedisUrl('the Redis URL cannot be read');
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    throw badRedisUrl(`the Redis URL starts with ${url.protocol}//, not redis:// or rediss://`);
  }
  if (url.hostname === '') throw badRedisUrl('the Redis URL names no host');
  if (url.search !== '' || url.hash !== '')
    throw badRedisUrl('the Redis URL has a ?query or #fragment; neither is known');
  const database = /^\/?(\d{0,5})$/.exec(url.pathname)?.[1];
  if (database === undefined) throw badRedisUrl('the path of the Redis URL is not the number of a database');
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 6379 : Number(url.port),
    tls: url.protocol === 'rediss:',
    database: Number(database),
    ...(url.username !== '' && { username: decode(url.username) }),
    ...(url.password !== '' && { password: decode(url.password) }),
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badRedisUrl('user or password of the Redis URL has a stray %');
  }
}
