import { badRedisUrl } from '../errors.ts';

/** Where one Redis server listens. */
export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** Where a Redis is and how to log in there. */
export interface RedisAddress {
  /** Redis Cluster: `nodes` are some of its servers, from which the others are learned. */
  readonly cluster: boolean;
  /** One where it is no cluster. */
  readonly nodes: readonly NodeAddress[];
  readonly tls: boolean;
  readonly database: number;
  readonly username?: string;
  readonly password?: string;
}

const schemes = /^(redis|rediss|redis\+cluster|rediss\+cluster):\/\//;
const usualPort = 6379;

/**
 * Reads `redis://[user:password@]host[:port][/database]`, or `redis+cluster://[user:password@]host[:port],host[:port]…`;
 * `rediss` for TLS.
 * @throws SINK_BAD_REDIS_URL; its message never repeats the URL, which may hold a password
 */
export function parseRedisUrl(text: string): RedisAddress {
  const scheme = schemes.exec(text)?.[1];
  if (scheme === undefined) throw badRedisUrl(`the Redis URL starts with ${startOf(text)}`);
  const rest = text.slice(scheme.length + 3);
  if (/[?#]/.test(rest)) throw badRedisUrl('the Redis URL has a ?query or #fragment; neither is known');
  const slash = rest.indexOf('/');
  const [authority, path] = slash < 0 ? [rest, ''] : [rest.slice(0, slash), rest.slice(slash)];
  const at = authority.lastIndexOf('@');
  const login = at < 0 ? '' : authority.slice(0, at);
  const cluster = scheme.endsWith('+cluster');
  const hosts = authority.slice(at + 1).split(',');
  if (!cluster && hosts.length > 1) {
    throw badRedisUrl('the Redis URL names several hosts, which only redis+cluster:// and rediss+cluster:// may');
  }
  const database = /^\/?(\d{0,5})$/.exec(path)?.[1];
  if (database === undefined) throw badRedisUrl('the path of the Redis URL is not the number of a database');
  if (cluster && Number(database) !== 0) throw badRedisUrl('a Redis Cluster has no database but 0');
  const colon = login.indexOf(':');
  const username = decode(colon < 0 ? login : login.slice(0, colon));
  const password = colon < 0 ? '' : decode(login.slice(colon + 1));
  return {
    cluster,
    nodes: hosts.map(readHost),
    tls: scheme.startsWith('rediss'),
    database: Number(database),
    ...(username !== '' && { username }),
    ...(password !== '' && { password }),
  };
}

/** `host:port`, for messages and as a name; IPv6 in brackets. */
export function formatNode({ host, port }: NodeAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function readHost(text: string): NodeAddress {
  if (text === '') throw badRedisUrl('the Redis URL names no host');
  const url = URL.canParse(`redis://${text}`) ? new URL(`redis://${text}`) : undefined;
  if (url === undefined || url.hostname === '') throw badRedisUrl('a host of the Redis URL cannot be read');
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? usualPort : Number(url.port),
  };
}

function startOf(text: string): string {
  const other = /^([a-z][a-z0-9+.-]*:)\/\//i.exec(text)?.[1];
  return other === undefined ? 'something else than a scheme and ://' : `${other}//, not redis:// or rediss://`;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badRedisUrl('user or password of the Redis URL has a stray %');
  }
}
