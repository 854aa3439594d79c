import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { redisLogin } from './redis-options.ts';

let directory: string;
const file = (name: string): string => join(directory, name);
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'redis-options-'));
  await writeFile(file('password'), 'from-file\n');
  await writeFile(file('pem'), 'PEM');
});
afterAll(() => rm(directory, { recursive: true }));

test('login from files or the environment; the file wins', async () => {
  const environment = { REDIS_USERNAME: 'ticker', REDIS_PASSWORD: 'from-env' };
  expect(await redisLogin({ redis: 'redis://h' }, environment)).toEqual({ username: 'ticker', password: 'from-env' });
  const options = { redis: 'redis://h', redisPasswordFile: file('password'), redisUsername: 'other' };
  expect(await redisLogin(options, environment)).toEqual({ username: 'other', password: 'from-file' });
  expect(await redisLogin({}, environment)).toEqual({});
  expect(await redisLogin({ redis: 'redis://h' }, {})).toEqual({});
});

test('TLS from files', async () => {
  const [redisCa, redisCert, redisKey] = [file('pem'), file('pem'), file('pem')];
  const options = { redis: 'rediss+cluster://a,b', redisCa, redisCert, redisKey, redisServerName: 'redis.example' };
  expect(await redisLogin(options, {})).toEqual({
    tls: { ca: 'PEM', cert: 'PEM', key: 'PEM', serverName: 'redis.example' },
  });
});

test.each([
  [{ redis: 'rediss://h', redisCert: 'x' }, /go together/],
  [{ redis: 'rediss://h', redisCa: '/no/such/file' }, /--redis-ca \/no\/such\/file: ENOENT/],
  [{ redis: 'redis://h', redisServerName: 'x' }, /rediss/],
])('what does not go is refused: %j', async (options, why) => {
  await expect(redisLogin(options, {})).rejects.toMatchObject({
    code: 'CLI_BAD_OPTION',
    message: expect.stringMatching(why),
  });
});
