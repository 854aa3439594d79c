import { expect, test } from 'vitest';
import { parseRedisUrl } from './redis-url.ts';

test('reads host, port, database, login and TLS', () => {
  expect(parseRedisUrl('redis://127.0.0.1')).toEqual({ host: '127.0.0.1', port: 6379, tls: false, database: 0 });
  expect(parseRedisUrl('redis://h:1/2')).toEqual({ host: 'h', port: 1, tls: false, database: 2 });
  expect(parseRedisUrl('rediss://us%40r:p%2Fw@[::1]:7000/')).toEqual({
    host: '::1',
    port: 7000,
    tls: true,
    database: 0,
    username: 'us@r',
    password: 'p/w',
  });
  expect(parseRedisUrl('redis://:only@h')).toMatchObject({ password: 'only' });
});

test.each([
  ['127.0.0.1:6379', /starts with|cannot be read/],
  ['http://:hunter2@h', /starts with http/],
  ['redis://:hunter2@', /cannot be read|no host/],
  ['redis://:hunter2@h:notaport', /cannot be read/],
  ['redis://:hunter2@h/first', /number of a database/],
  ['redis://:hunter2%@h', /stray %/],
  ['redis://:hunter2@h?family=6', /query/],
])('refuses %s and says what is wrong, without the password', (url, why) => {
  try {
    parseRedisUrl(url);
  } catch (error) {
    expect(error).toMatchObject({ code: 'SINK_BAD_REDIS_URL', message: expect.stringMatching(why) });
    expect(String(error)).not.toContain('hunter2');
    return;
  }
  throw new Error('it was accepted');
});
