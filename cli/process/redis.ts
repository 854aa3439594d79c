import type { RedisOptions } from '../../ticker/sinks/redis/connection.ts';
import { badOption } from '../options.ts';
import { type RedisCliOptions, redisLogin } from '../redis-options.ts';
import type { ProcessHost } from './host.ts';

/** How this process reaches Redis: by options, and by the environment where a pod has it from there. */
export async function redisOptions(
  options: RedisCliOptions,
  { clock, log, random }: ProcessHost,
  environment = process.env,
): Promise<RedisOptions> {
  const url = options.redis ?? environment['REDIS_URL'] ?? '';
  if (url === '') throw badOption('--redis is missing; give it, or set REDIS_URL');
  const login = await redisLogin({ ...options, redis: url }, environment);
  return { url, ...login, clock, log, random: random.fork('redis') };
}
