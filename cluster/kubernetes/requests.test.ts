import { afterEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../crds/index.ts';
import { describeError } from '../../runtime/errors.ts';
import { instrumentSets, leases, secrets } from '../resources.ts';
import { type Answer, FaultyServer, json, status } from './faulty-server.testing.ts';
import { maxRetries } from './limits.ts';

let server: FaultyServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});
const serve = async (answer: Answer) => {
  server = await FaultyServer.start(answer);
  return { server, connect: server.connect.bind(server) };
};

const name = { namespace: 'default', name: 'a' };
const lease: KubeObject = { apiVersion: leases.apiVersion, kind: 'Lease', metadata: { ...name, resourceVersion: '1' } };
const object = {
  apiVersion: instrumentSets.apiVersion,
  kind: 'InstrumentSet',
  metadata: { ...name, resourceVersion: '5' },
};
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'it was accepted',
    (error: unknown) => error,
  );

describe('answers', () => {
  it.each([
    [400, {}, 'CLUSTER_INVALID'],
    [401, {}, 'CLUSTER_UNAUTHORIZED'],
    [403, {}, 'CLUSTER_FORBIDDEN'],
    [404, {}, 'CLUSTER_NOT_FOUND'],
    [409, { reason: 'Conflict' }, 'CLUSTER_CONFLICT'],
    [409, { reason: 'AlreadyExists' }, 'CLUSTER_ALREADY_EXISTS'],
    [410, { reason: 'Expired' }, 'CLUSTER_EXPIRED'],
    [413, {}, 'CLUSTER_INVALID'],
    [422, {}, 'CLUSTER_INVALID'],
    [422, { details: { causes: [{ field: 'metadata.uid' }] } }, 'CLUSTER_CONFLICT'],
    [429, {}, 'CLUSTER_UNAVAILABLE'],
    [500, {}, 'CLUSTER_UNAVAILABLE'],
    [
      500,
      { message: 'failed to create typed patch object (x): .spec.a: field not declared in schema' },
      'CLUSTER_INVALID',
    ],
    [503, {}, 'CLUSTER_UNAVAILABLE'],
    [504, { details: { causes: [{ reason: 'ResourceVersionTooLarge' }] } }, 'CLUSTER_EXPIRED'],
  ])('%d %j is %s', async (code, fields, expected) => {
    const { connect } = await serve((_, response) => json(response, code, status(code, fields)));
    expect(await failure(connect().get(instrumentSets, name))).toMatchObject({ code: expected });
  });

  it.each([
    ['a page of a proxy', 502, '<html>secret-token</html>', 'CLUSTER_UNAVAILABLE'],
    ['no JSON', 200, '{"data": {"token": "aHVudGVyMg=="', 'CLUSTER_UNAVAILABLE'],
    ['a path that is not there', 404, '404 page not found', 'CLUSTER_NOT_FOUND'],
  ])('%s says nothing of what was in it', async (_, code, body, expected) => {
    const { connect } = await serve((__, response) => response.writeHead(code).end(body));
    const error = await failure(connect().get(secrets, name));
    expect(error).toMatchObject({ code: expected });
    expect(describeError(error)).not.toMatch(/secret-token|aHVudGVyMg/);
  });

  it('waits as long as the server says, some times', async () => {
    let left = 2;
    const { server: it, connect } = await serve((_, response) =>
      left-- > 0 ? json(response, 429, status(429), { 'Retry-After': '0' }) : json(response, 200, object),
    );
    expect(await connect().replace(leases, lease, { fieldManager: 'a' })).toEqual(object);
    left = Number.POSITIVE_INFINITY;
    expect(await failure(connect().get(leases, name))).toMatchObject({ code: 'CLUSTER_UNAVAILABLE' });
    expect(it.requests.length).toBe(3 + maxRetries + 1);
  });

  it('does not wait beyond its deadline', async () => {
    const { server: it, connect } = await serve((_, response) =>
      json(response, 429, status(429), { 'Retry-After': '5' }),
    );
    expect(await failure(connect({ requestTimeout: 1000 }).get(leases, name))).toMatchObject({
      code: 'CLUSTER_UNAVAILABLE',
    });
    expect(it.requests.length).toBe(1);
  });
});

describe('connections', () => {
  it('are kept open, carry the token, and keep a prefix of the path', async () => {
    const { server: it, connect } = await serve((_, response) => json(response, 200, object));
    const cluster = connect();
    for (let i = 0; i < 5; i++) await cluster.get(instrumentSets, name);
    expect(it.connections).toBe(1);
    expect(it.headers[0]?.authorization).toBe('Bearer secret-token');
    expect(new Set(it.requests)).toEqual(
      new Set(['GET /prefix/apis/ticker-operator.io/v1alpha1/namespaces/default/instrumentsets/a']),
    );
  });

  it('that the server closed are opened anew', async () => {
    const { server: it, connect } = await serve((_, response) => json(response, 200, object));
    const cluster = connect();
    await cluster.get(instrumentSets, name);
    it.cut();
    expect(await cluster.get(instrumentSets, name)).toEqual(object);
  });

  it('that are cut in the middle of an answer are unavailable', async () => {
    const { connect } = await serve((_, response) => {
      response.writeHead(200, { 'Content-Length': '100' }).write('{"kind":');
      setImmediate(() => response.destroy());
    });
    expect(await failure(connect().get(instrumentSets, name))).toMatchObject({ code: 'CLUSTER_UNAVAILABLE' });
  });

  it('that say nothing end at the deadline', async () => {
    const { connect } = await serve(() => {});
    const error = await failure(connect({ requestTimeout: 30 }).get(instrumentSets, name));
    expect(error).toMatchObject({ code: 'CLUSTER_UNAVAILABLE', message: expect.stringContaining('did not answer') });
  });

  it('end with the client, and what was under way is unavailable', async () => {
    const { connect } = await serve(() => {});
    const cluster = connect();
    const waiting = failure(cluster.get(instrumentSets, name));
    setTimeout(() => cluster.close(), 20);
    expect(await waiting).toMatchObject({ code: 'CLUSTER_UNAVAILABLE' });
    expect(await failure(cluster.get(instrumentSets, name))).toMatchObject({ code: 'CLUSTER_UNAVAILABLE' });
  });
});

describe('names', () => {
  it.each(['', '.', '..', 'a/b', 'a%2fb'])('%j never becomes a path', async (bad) => {
    const { server: it, connect } = await serve((_, response) => json(response, 200, object));
    const cluster = connect();
    for (const wrong of [
      { namespace: 'default', name: bad },
      { namespace: bad, name: 'a' },
    ]) {
      expect(await failure(cluster.get(instrumentSets, wrong))).toMatchObject({ code: 'CLUSTER_INVALID' });
      expect(await failure(cluster.delete(instrumentSets, wrong))).toMatchObject({ code: 'CLUSTER_INVALID' });
    }
    expect(it.requests).toEqual([]);
  });
});
