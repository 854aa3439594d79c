import { afterEach, describe, expect, it } from 'vitest';
import { apiVersion, type KubeObject } from '../../crds/index.ts';
import type { WatchEvent } from '../cluster.ts';
import { instrumentSets } from '../resources.ts';
import { type Answer, FaultyServer, status } from './faulty-server.testing.ts';

let server: FaultyServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

const object = {
  apiVersion,
  kind: 'InstrumentSet',
  metadata: { namespace: 'default', name: 'a', resourceVersion: '5' },
};

describe('watches', () => {
  const event = (type: string, fields: object = object): string => `${JSON.stringify({ type, object: fields })}\n`;
  const stream = (...parts: (string | Buffer)[]): Answer => {
    return (_, response) => {
      response.writeHead(200);
      const send = (rest: (string | Buffer)[]): void => {
        const [part, ...more] = rest;
        if (part === undefined) response.end();
        else response.write(part, () => setImmediate(send, more));
      };
      send(parts);
    };
  };
  const watch = async (answer: Answer, options: { watchIdleTimeout?: number; abortAfter?: number } = {}) => {
    const { abortAfter = Number.POSITIVE_INFINITY, ...rest } = options;
    server = await FaultyServer.start(answer);
    const stop = new AbortController();
    const seen: WatchEvent<KubeObject>[] = [];
    const cluster = server.connect(rest);
    const { signal } = stop;
    const done = (async () => {
      for await (const it of cluster.watch(instrumentSets, { namespace: 'default', resourceVersion: '1', signal })) {
        seen.push(it);
        if (seen.length >= abortAfter) stop.abort();
      }
      return 'it ended';
    })();
    const outcome = await done.catch((error: unknown) => error);
    expect(cluster.watches).toBe(0);
    return { seen, outcome };
  };

  it('are put together from whatever pieces arrive', async () => {
    const text = Buffer.from(event('ADDED', { ...object, spec: { note: '₹' } }) + event('MODIFIED') + event('DELETED'));
    const pieces = Array.from({ length: Math.ceil(text.length / 7) }, (_, i) => text.subarray(i * 7, i * 7 + 7));
    const { seen } = await watch(stream(...pieces));
    expect(seen.map(({ type }) => type)).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
    expect(seen[0]).toMatchObject({ object: { spec: { note: '₹' } } });
  });

  it('ask for bookmarks, and pass them on', async () => {
    const bookmark = event('BOOKMARK', { ...object, metadata: { resourceVersion: '9' } });
    const { seen } = await watch(stream(bookmark));
    expect(seen).toEqual([{ type: 'BOOKMARK', resourceVersion: '9' }]);
    const query = new URL(`http://server${server?.requests[0]?.split(' ')[1]}`).searchParams;
    expect(Object.fromEntries(query)).toMatchObject({
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: '1',
    });
    expect(Number(query.get('timeoutSeconds'))).toBeGreaterThanOrEqual(300);
  });

  it.each([
    ['an expired version', event('ADDED') + event('ERROR', status(410, { reason: 'Expired' })), 'CLUSTER_EXPIRED', 1],
    ['another error', event('ERROR', status(500)), 'CLUSTER_UNAVAILABLE', 0],
    ['an error that is no Status', event('ERROR', {}), 'CLUSTER_UNAVAILABLE', 0],
    ['what is no JSON', 'aHVudGVyMg==\n', 'CLUSTER_UNAVAILABLE', 0],
    ['an unknown type', event('RENAMED'), 'CLUSTER_UNAVAILABLE', 0],
    ['too long a line', 'x'.repeat(5_000_000), 'CLUSTER_RESPONSE_TOO_LARGE', 0],
  ])('end at %s', async (_, text, code, events) => {
    const { seen, outcome } = await watch(stream(text));
    expect(outcome).toMatchObject({ code });
    expect(seen.length).toBe(events);
  });

  it('end without an error where the server ends them; a line that was cut off is left out', async () => {
    const { seen, outcome } = await watch(stream(event('ADDED'), '{"type":"ADDED","obj'));
    expect(outcome).toBe('it ended');
    expect(seen.length).toBe(1);
  });

  it('are unavailable where the connection breaks', async () => {
    const { outcome } = await watch((_, response) => {
      response.writeHead(200).write(event('ADDED'));
      setTimeout(() => response.destroy(), 10);
    });
    expect(outcome).toMatchObject({ code: 'CLUSTER_UNAVAILABLE' });
  });

  it('are unavailable after too long a silence', async () => {
    const { seen, outcome } = await watch((_, response) => void response.writeHead(200).write(event('ADDED')), {
      watchIdleTimeout: 50,
    });
    expect(outcome).toMatchObject({
      code: 'CLUSTER_UNAVAILABLE',
      message: expect.stringContaining('silent for 50 ms'),
    });
    expect(seen.length).toBe(1);
  });

  it('say no more once their signal is aborted', async () => {
    const { seen, outcome } = await watch(stream(event('ADDED') + event('ADDED') + event('ADDED')), { abortAfter: 2 });
    expect(outcome).toBe('it ended');
    expect(seen.length).toBe(2);
  });
});
