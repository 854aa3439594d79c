import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { instantOf } from '../../mock/market/calendar.ts';
import { type BrokerClient, connectClient } from './broker-client.testing.ts';
import { createSimulator, type Simulator, type SimulatorAddress, type SimulatorOptions } from './simulator.ts';

const patience = { timeout: 5000, interval: 5 };
const reliance = 738561;
const infy = 408065;
const tcs = 2953217;
const nifty = 256265;

let simulator: Simulator;
let address: SimulatorAddress;
const clients: BrokerClient[] = [];

async function start(options: SimulatorOptions = {}): Promise<void> {
  await simulator?.stop();
  simulator = createSimulator({ rate: 50, heartbeat: 50, ...options });
  address = await simulator.start();
}
async function connect(apiKey?: string, token?: string): Promise<BrokerClient> {
  const client = await connectClient(address, apiKey, token);
  clients.push(client);
  return client;
}
const subscribe = (client: BrokerClient, ...tokens: number[]): void => client.send({ a: 'subscribe', v: tokens });
const ticksOf = (client: BrokerClient, token: number): number =>
  client.packets().filter(([each]) => each === token).length;
const broker = () => simulator.connections.at(-1)!;

beforeEach(() => start());
afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.terminate();
  await simulator.stop();
});

describe('the feed', () => {
  it('numbers the ticks of an instrument where it is told to, on each connection the same', async () => {
    await start({ numbered: true });
    const [one, other] = [await connect(), await connect('demo-b')];
    for (const client of [one, other]) subscribe(client, infy);
    await vi.waitFor(() => {
      for (const client of [one, other]) expect(ticksOf(client, infy)).toBeGreaterThan(20);
    }, patience);
    // The first is a cached one, and may be any before the second.
    const [first = [], second = []] = [one, other].map((client) => client.volumes().slice(1));
    for (const numbers of [first, second]) {
      expect(numbers.slice(1)).toEqual(numbers.slice(0, -1).map((number) => number + 1));
    }
    expect(first).toEqual(expect.arrayContaining(second.slice(5, 10)));
  });

  it('refuses wrong and missing tokens with 403', async () => {
    await expect(connect('demo-a', 'wrong')).rejects.toThrow('403');
    await expect(connect('nobody', 'x')).rejects.toThrow('403');
    await expect(connect('demo-a', '')).rejects.toThrow('403');
    expect(simulator.refusedUpgrades.get(403)).toBe(3);
  });

  it('refuses a fourth connection of an API key with 429, until one has closed', async () => {
    const first = await connect();
    await connect();
    await connect();
    await expect(connect()).rejects.toThrow('429');
    await connect('demo-b');
    first.socket.close();
    await vi.waitFor(() => expect(simulator.connections[0]!.open).toBe(false), patience);
    await connect();
  });

  it('closes the oldest connection instead, where it is set to', async () => {
    await start({ limits: { atLimit: 'evictOldest' } });
    const first = await connect();
    await connect();
    await connect();
    await connect();
    await vi.waitFor(() => expect(first.closed.code).toBe(1008), patience);
    expect(simulator.connections.map(({ open }) => open)).toEqual([false, true, true, true]);
  });

  it('counts closed connections for a while, where that is ordered', async () => {
    simulator.faults.order({ fault: 'retainClosed', milliseconds: 60_000 });
    for (const client of [await connect(), await connect(), await connect()]) client.socket.terminate();
    await vi.waitFor(() => expect(simulator.connections.every(({ open }) => !open)).toBe(true), patience);
    await expect(connect()).rejects.toThrow('429');
    simulator.faults.order({ fault: 'clear' });
    await connect();
  });

  it('keeps the subscriptions that fit, and tells the rest in an error', async () => {
    await start({ limits: { instruments: 2 } });
    const client = await connect();
    subscribe(client, reliance, infy, tcs);
    await vi.waitFor(() => expect(client.texts).toHaveLength(1), patience);
    expect(client.texts[0]).toEqual({ type: 'error', data: expect.stringContaining('limit of 2') });
    await vi.waitFor(() => expect(ticksOf(client, infy)).toBeGreaterThan(2), patience);
    expect(ticksOf(client, tcs)).toBe(0);
    expect([...broker().subscriptions.keys()]).toEqual([reliance, infy]);
  });

  it('sends quote packets by default, others by mode, and indices their own', async () => {
    const client = await connect();
    subscribe(client, reliance, nifty);
    await vi.waitFor(() => expect(ticksOf(client, nifty)).toBeGreaterThan(0), patience);
    expect(new Set(client.packets().map(([token, bytes]) => `${token}/${bytes}`))).toEqual(
      new Set([`${reliance}/44`, `${nifty}/28`]),
    );
    for (const [mode, share, index] of [
      ['full', 184, 32],
      ['ltp', 8, 8],
    ] as const) {
      client.send({ a: 'mode', v: [mode, [reliance, nifty]] });
      await vi.waitFor(() => {
        const packets = client.packets();
        expect(packets).toContainEqual([reliance, share]);
        expect(packets).toContainEqual([nifty, index]);
      }, patience);
    }
  });

  it('gives nothing for tokens that are text, and says what is no message', async () => {
    const client = await connect();
    client.send({ a: 'subscribe', v: [String(reliance)] });
    client.socket.send('{"a":');
    await vi.waitFor(() => expect(client.texts).toHaveLength(1), patience);
    expect(client.texts[0]!.type).toBe('error');
    await vi.waitFor(() => expect(broker().counters.heartbeats).toBeGreaterThan(2), patience);
    expect(client.packets()).toEqual([]);
    expect(broker().received.map(({ text }) => text)).toEqual([`{"a":"subscribe","v":["${reliance}"]}`, '{"a":']);
  });

  it('sends only the cached last value, with its old time, while the exchange is closed', async () => {
    const sunday = instantOf('2026-11-22', 600);
    const clock = await import('../../../../runtime/clock.ts').then(({ systemClock }) => ({
      ...systemClock,
      now: () => sunday + systemClock.monotonic(),
    }));
    await start({ clock, hours: { hours: { default: { open: 555, close: 930 } } } });
    const client = await connect();
    subscribe(client, reliance);
    client.send({ a: 'mode', v: ['full', [reliance]] });
    await vi.waitFor(() => expect(broker().counters.heartbeats).toBeGreaterThan(3), patience);
    const frames = client.frames.filter(({ length }) => length > 1);
    expect(frames.length).toBeGreaterThan(0);
    expect(frames.length).toBeLessThanOrEqual(2);
    const last = frames.at(-1)!;
    const exchangeTime = new DataView(last.buffer, last.byteOffset).getInt32(4 + 60);
    expect(exchangeTime * 1000).toBe(instantOf('2026-11-20', 930));
  });

  it('counts ticks by token, as the client does', async () => {
    const client = await connect();
    subscribe(client, reliance, infy);
    await vi.waitFor(() => expect(ticksOf(client, infy)).toBeGreaterThan(10), patience);
    client.send({ a: 'unsubscribe', v: [reliance, infy] });
    await vi.waitFor(() => expect(broker().subscriptions.size).toBe(0), patience);
    const beats = broker().counters.heartbeats;
    await vi.waitFor(() => expect(broker().counters.heartbeats).toBeGreaterThan(beats + 1), patience);
    await vi.waitFor(() => expect(ticksOf(client, reliance)).toBe(simulator.ticksSent(reliance)), patience);
    expect(broker().counters.ticks).toBe(client.packets().length);
  });
});

describe('ordered faults', () => {
  it('cut connections cleanly and uncleanly', async () => {
    const [one, other] = [await connect('demo-a'), await connect('demo-b')];
    expect(simulator.faults.order({ fault: 'disconnect', apiKey: 'demo-a', clean: true, code: 1012 })).toEqual({
      touched: 1,
    });
    await vi.waitFor(() => expect(one.closed.code).toBe(1012), patience);
    simulator.faults.order({ fault: 'disconnect' });
    await vi.waitFor(() => expect(other.closed.code).toBe(1006), patience);
  });

  it('stall with heartbeats, in silence, and dead, with the connection open', async () => {
    const client = await connect();
    subscribe(client, reliance);
    await vi.waitFor(() => expect(ticksOf(client, reliance)).toBeGreaterThan(0), patience);
    simulator.faults.order({ fault: 'stall', kind: 'ticks' });
    const [ticks, beats] = [broker().counters.ticks, broker().counters.heartbeats];
    await vi.waitFor(() => expect(broker().counters.heartbeats).toBeGreaterThan(beats + 2), patience);
    expect(broker().counters.ticks).toBe(ticks);
    for (const kind of ['silent', 'dead'] as const) {
      simulator.faults.order({ fault: 'stall', kind });
      const { bytes } = broker().counters;
      let pongs = 0;
      client.socket.on('pong', () => pongs++);
      client.socket.ping();
      await new Promise((resolve) => setTimeout(resolve, 150));
      expect(broker().counters.bytes).toBe(bytes);
      expect(pongs).toBe(0);
      expect(client.socket.readyState).toBe(client.socket.OPEN);
    }
    simulator.faults.order({ fault: 'resume' });
    await vi.waitFor(() => expect(broker().counters.ticks).toBeGreaterThan(ticks + 2), patience);
  });

  it('end a stall by themselves after its duration', async () => {
    const client = await connect();
    subscribe(client, reliance);
    simulator.faults.order({ fault: 'stall', duration: 60 });
    await vi.waitFor(() => expect(ticksOf(client, reliance)).toBeGreaterThan(0), patience);
  });

  it('damage the next frame, and only that', async () => {
    for (const kind of ['truncatedFrame', 'missingPackets', 'overlongPacket', 'garbage', 'unknownPacket'] as const) {
      const client = await connect();
      simulator.faults.order({ fault: 'corruptFrame', kind });
      subscribe(client, reliance, infy);
      await vi.waitFor(() => expect(broker().counters.frames).toBeGreaterThan(3), patience);
      await vi.waitFor(
        () => expect(client.frames.filter(({ length }) => length > 1).length).toBeGreaterThan(3),
        patience,
      );
      const damaged = client.frames.findIndex(({ length }) => length > 1);
      if (kind === 'unknownPacket') expect(client.packets().map(([, bytes]) => bytes)).toContain(13);
      else expect(() => client.packets()).toThrow(RangeError);
      client.frames.splice(damaged, 1);
      expect(client.packets().every(([, bytes]) => bytes === 44)).toBe(true);
      client.socket.terminate();
      await vi.waitFor(() => expect(broker().open).toBe(false), patience);
    }
  });

  it('lose half of the subscriptions, those there are and those to come', async () => {
    const client = await connect();
    simulator.faults.order({ fault: 'dropSubscribed', share: 0.5, times: 1 });
    subscribe(client, reliance, infy);
    await vi.waitFor(() => expect(ticksOf(client, reliance)).toBeGreaterThan(3), patience);
    expect(ticksOf(client, infy)).toBe(0);
    subscribe(client, infy);
    await vi.waitFor(() => expect(ticksOf(client, infy)).toBeGreaterThan(3), patience);
    simulator.faults.order({ fault: 'loseSubscriptions', share: 1 });
    const sent = broker().counters.ticks;
    const beats = broker().counters.heartbeats;
    await vi.waitFor(() => expect(broker().counters.heartbeats).toBeGreaterThan(beats + 1), patience);
    expect(broker().counters.ticks).toBe(sent);
  });

  it('refuse upgrades a number of times, delay them, expire and rotate tokens', async () => {
    simulator.faults.order({ fault: 'refuseUpgrade', status: 503, times: 1 });
    await expect(connect()).rejects.toThrow('503');
    simulator.faults.order({ fault: 'delayLogin', milliseconds: 80 });
    const began = performance.now();
    const client = await connect();
    expect(performance.now() - began).toBeGreaterThan(75);
    simulator.faults.order({ fault: 'delayLogin', milliseconds: 0 });
    simulator.faults.order({ fault: 'expireToken', apiKey: 'demo-a', disconnect: true });
    await vi.waitFor(() => expect(client.closed.code).toBe(1008), patience);
    await expect(connect()).rejects.toThrow('403');
    simulator.faults.order({ fault: 'rotateToken', apiKey: 'demo-a', accessToken: 'fresh' });
    await expect(connect()).rejects.toThrow('403');
    await connect('demo-a', 'fresh');
  });

  it('are ordered over HTTP too, which says what there is and what is wrong', async () => {
    const post = (body: string, type = 'application/json'): Promise<Response> =>
      fetch(`${address.url}/simulator/faults`, { method: 'POST', body, headers: { 'Content-Type': type } });
    const client = await connect();
    expect(await (await post('{"fault":"disconnect"}')).json()).toEqual({ touched: 1 });
    await vi.waitFor(() => expect(client.closed.code).toBe(1006), patience);
    for (const wrong of [
      '{"fault":"nothing"}',
      '{"fault":"stall","kind":"loud"}',
      '{',
      '{"fault":"expireToken","apiKey":"x"}',
    ]) {
      const answer = await post(wrong);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toEqual({ message: expect.any(String) });
    }
    expect((await post('{"fault":"disconnect"}', 'text/plain')).status).toBe(415);
    const help = JSON.parse(await (await fetch(`${address.url}/simulator/faults`)).text());
    expect(Object.keys(help.orders)).toContain('loseSubscriptions');
    expect((await fetch(`${address.url}/simulator/faults`, { method: 'DELETE' })).status).toBe(200);
  });
});

describe('the REST API', () => {
  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(address.url + path, { headers: { Authorization: 'token demo-a:demo-token-a', ...headers } });

  it('limits quotes to 1 a second and other requests to 10, for each API key', async () => {
    const statuses = async (path: string, times: number): Promise<number[]> => {
      const answers = await Promise.all(Array.from({ length: times }, () => get(path)));
      return answers.map(({ status }) => status).sort();
    };
    expect(await statuses('/quote/ltp?i=NSE:INFY', 3)).toEqual([200, 429, 429]);
    expect(await statuses('/user/profile', 12)).toEqual([...Array(10).fill(200), 429, 429]);
    const other = await get('/quote/ltp?i=NSE:INFY', { Authorization: 'token demo-b:demo-token-b' });
    expect(await other.json()).toMatchObject({ status: 'success', data: { 'NSE:INFY': { instrument_token: infy } } });
  });

  it("answers errors in Kite's form", async () => {
    await start({ limits: { requests: false } });
    const wrong = await get('/user/profile', { Authorization: 'token demo-a:wrong' });
    expect(wrong.status).toBe(403);
    expect(await wrong.json()).toMatchObject({ status: 'error', error_type: 'TokenException' });
    for (const path of [
      '/quote',
      '/instruments/XYZ',
      '/instruments/historical/1/minute?from=2026-01-01&to=2026-01-02',
      `/instruments/historical/${infy}/2minute?from=2026-01-01&to=2026-01-02`,
      `/instruments/historical/${infy}/minute?from=2026-01-01&to=2026-04-02`,
      `/instruments/historical/${infy}/minute?from=2026-01-03&to=2026-01-02`,
      `/instruments/historical/${infy}/minute?from=yesterday&to=2026-01-02`,
    ]) {
      const answer = await get(path);
      expect([path, answer.status]).toEqual([path, 400]);
      expect(await answer.json()).toMatchObject({ status: 'error', error_type: 'InputException' });
    }
    expect((await get('/nothing')).status).toBe(404);
    simulator.faults.order({ fault: 'refuseRest', status: 502, path: '/instruments', times: 1 });
    expect((await get('/user/profile')).status).toBe(200);
    expect((await get('/instruments')).status).toBe(502);
    expect((await get('/instruments')).status).toBe(200);
  });

  it('sends the instruments as CSV, compressed only where that is understood', async () => {
    await start({ limits: { requests: false } });
    const plain = await get('/instruments/CDS', { 'Accept-Encoding': 'identity' });
    expect(plain.headers.get('content-type')).toBe('text/csv');
    const [header, first] = (await plain.text()).split('\n');
    expect(header).toBe(
      'instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange',
    );
    expect(first).toMatch(/^\d+,\d+,USDINR\d\d[A-Z]{3}FUT,USDINR,0,\d{4}-\d\d-\d\d,0,0\.0025,1000,FUT,CDS-FUT,CDS$/);
    const compressed = await new Promise<Buffer>((resolve, reject) => {
      void import('node:http').then(({ get: request }) => {
        request(
          `${address.url}/instruments`,
          { headers: { Authorization: 'token demo-a:demo-token-a', 'Accept-Encoding': 'gzip' } },
          (response) => {
            const chunks: Buffer[] = [];
            response.on('data', (chunk: Buffer) => chunks.push(chunk));
            response.on('end', () => resolve(Buffer.concat(chunks)));
          },
        ).on('error', reject);
      });
    });
    expect(String(gunzipSync(compressed)).split('\n').length).toBeGreaterThan(2800);
  });
});

describe('the simulator', () => {
  it('says which port is taken', async () => {
    const second = createSimulator({ port: address.port });
    await expect(second.start()).rejects.toMatchObject({ code: 'SIMULATOR_PORT_IN_USE' });
  });

  it('shows its state as JSON and as a page, without a credential', async () => {
    await connect();
    const json = await (await fetch(address.url)).text();
    const page = await (await fetch(address.url, { headers: { Accept: 'text/html' } })).text();
    expect(JSON.parse(json).connections).toHaveLength(1);
    expect(page).toContain('DEMOA');
    for (const text of [json, page]) {
      expect(text).not.toContain('demo-a');
      expect(text).not.toContain('demo-token');
    }
  });

  it('refuses logins that cannot be told apart', () => {
    const twice = [
      { apiKey: 'x', accessToken: 'a' },
      { apiKey: 'x', accessToken: 'b' },
    ];
    expect(() => createSimulator({ logins: twice })).toThrow(expect.objectContaining({ code: 'SIMULATOR_BAD_LOGIN' }));
    expect(() => createSimulator({ logins: [{ apiKey: '', accessToken: 'a' }] })).toThrow();
  });
});
