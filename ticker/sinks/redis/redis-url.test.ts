import { expect, test } from 'vitest';
import { formatNode, parseRedisUrl } from './redis-url.ts';

const plain = { cluster: false, tls: false, database: 0 };

test('reads host, port, database, login and TLS', () => {
  expect(parseRedisUrl('redis://127.0.0.1')).toEqual({ ...plain, nodes: [{ host: '127.0.0.1', port: 6379 }] });
  expect(parseRedisUrl('redis://h:1/2')).toEqual({ ...plain, nodes: [{ host: 'h', port: 1 }], database: 2 });
  expect(parseRedisUrl('rediss://us%40r:p%2Fw@[::1]:7000/')).toEqual({
    cluster: false,
    nodes: [{ host: '::1', port: 7000 }],
    tls: true,
    database: 0,
    username: 'us@r',
    password: 'p/w',
  });
  expect(parseRedisUrl('redis://:only@h')).toMatchObject({ password: 'only' });
  expect(parseRedisUrl('redis://who@h')).toMatchObject({ username: 'who' });
});

test('reads the servers of a cluster', () => {
  expect(parseRedisUrl('redis+cluster://:p%2Cw@a:1,b,[::1]:3')).toEqual({
    ...plain,
    cluster: true,
    password: 'p,w',
    nodes: [
      { host: 'a', port: 1 },
      { host: 'b', port: 6379 },
      { host: '::1', port: 3 },
    ],
  });
  expect(parseRedisUrl('rediss+cluster://a/')).toMatchObject({ cluster: true, tls: true });
  expect(parseRedisUrl('rediss+cluster://[::1]:3').nodes.map(formatNode)).toEqual(['[::1]:3']);
});

test.each([
  ['127.0.0.1:6379', /starts with something else/],
  ['http://:hunter2@h', /starts with http/],
  ['redis://:hunter2@', /no host/],
  ['redis://:hunter2@h:notaport', /cannot be read/],
  ['redis://:hunter2@h:70000', /cannot be read/],
  ['redis://:hunter2@h/first', /number of a database/],
  ['redis://:hunter2%@h', /stray %/],
  ['redis://:hunter2@h?family=6', /query/],
  ['redis://:hunter2@a,b', /several hosts/],
  ['redis+cluster://:hunter2@a,,b', /no host/],
  ['redis+cluster://:hunter2@a/3', /database/],
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
