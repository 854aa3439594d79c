import { type Connect, KiteConnect, KiteTicker, type Ticker } from 'kiteconnect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSimulator, type Simulator, type SimulatorAddress } from './simulator.ts';

/**
 * The referee: the official client, unmodified, against the simulated broker. KiteTicker keeps its socket and its
 * listeners in module globals, so this file uses one and its tests go on from each other.
 */
let simulator: Simulator;
let address: SimulatorAddress;

beforeAll(async () => {
  simulator = createSimulator({ rate: 20, heartbeat: 200, limits: { requests: false } });
  address = await simulator.start();
});
afterAll(() => simulator.stop());

const token = (name: string): number => simulator.instrument(name)!.token;
const futureOf = (exchange: string, name: string): number =>
  simulator.market
    .advance(Date.now())
    .universe.instruments.find((each) => each.exchange === exchange && each.name === name && each.type === 'FUT')!
    .token;

async function requestToken(): Promise<string> {
  const response = await fetch(`${address.url}/connect/login?api_key=demo-a&v=3`, { redirect: 'manual' });
  const location = new URL(response.headers.get('location')!);
  expect(response.status).toBe(302);
  expect(location.searchParams.get('status')).toBe('success');
  return location.searchParams.get('request_token')!;
}

describe('KiteConnect', () => {
  const connect = (): Connect =>
    new KiteConnect({ api_key: 'demo-b', access_token: 'demo-token-b', root: address.url });

  it('logs in with a request token, and is refused with a wrong secret', async () => {
    const kite = new KiteConnect({ api_key: 'demo-a', root: address.url });
    await expect(kite.generateSession(await requestToken(), 'wrong')).rejects.toMatchObject({
      error_type: 'TokenException',
    });
    const session = await kite.generateSession(await requestToken(), 'demo-a-secret');
    expect(session).toMatchObject({ user_id: 'DEMOA', api_key: 'demo-a' });
    expect(await kite.getProfile()).toMatchObject({ user_id: 'DEMOA' });
    await kite.invalidateAccessToken();
    await expect(kite.getProfile()).rejects.toMatchObject({ error_type: 'TokenException' });
    simulator.faults.order({ fault: 'rotateToken', apiKey: 'demo-a', accessToken: 'demo-token-a' });
  });

  it('fetches instruments, of one exchange and of all', async () => {
    const nfo = await connect().getInstruments('NFO');
    const rows = nfo.filter(({ tradingsymbol }) => tradingsymbol);
    expect(rows.length).toBeGreaterThan(1500);
    const option = rows.find(({ instrument_type }) => String(instrument_type) === 'CE')!;
    expect(option).toMatchObject({ exchange: 'NFO', segment: 'NFO-OPT', tick_size: 0.05 });
    expect(option.expiry).toBeInstanceOf(Date);
    const all = await connect().getInstruments();
    expect(all.length).toBeGreaterThan(rows.length);
    expect(all.find(({ tradingsymbol }) => tradingsymbol === 'NIFTY 50')).toMatchObject({
      instrument_token: '256265',
      segment: 'INDICES',
    });
  });

  it('fetches quotes, OHLC and last prices; unknown names are absent', async () => {
    const names = ['NSE:RELIANCE', 'NSE:NIFTY 50', 'NSE:NO SUCH'];
    const quote = await connect().getQuote(names);
    expect(Object.keys(quote)).toEqual(['NSE:RELIANCE', 'NSE:NIFTY 50']);
    expect(quote['NSE:RELIANCE']).toMatchObject({ instrument_token: 738561, last_price: expect.any(Number) });
    expect(quote['NSE:RELIANCE']!.depth!.buy).toHaveLength(5);
    expect(quote['NSE:NIFTY 50']!.depth).toBeUndefined();
    expect(quote['NSE:NIFTY 50']!.timestamp).toBeInstanceOf(Date);
    const ohlc = await connect().getOHLC(names);
    expect(ohlc['NSE:RELIANCE']!.ohlc.close).toBe(quote['NSE:RELIANCE']!.ohlc.close);
    expect(Object.keys(await connect().getLTP(names))).toHaveLength(2);
    await expect(connect().getQuote(Array.from({ length: 501 }, (_, i) => `NSE:X${i}`))).rejects.toMatchObject({
      error_type: 'InputException',
    });
  });

  it('fetches historical candles, aligned, with open interest where asked', async () => {
    const future = futureOf('NFO', 'NIFTY');
    const to = new Date();
    const from = new Date(to.getTime() - 3 * 3_600_000);
    const local = (date: Date): string =>
      new Date(date.getTime() + 19_800_000).toISOString().slice(0, 19).replace('T', ' ');
    const answer = await connect().getHistoricalData(future, '5minute', local(from), local(to), false, true);
    const candles = Array.isArray(answer) ? answer : (answer as { data: typeof answer }).data;
    expect(candles.length).toBeGreaterThan(30);
    for (const candle of candles) {
      expect(candle.date.getTime() % 300_000).toBe(0);
      expect(candle.high).toBeGreaterThanOrEqual(Math.max(candle.open, candle.close));
      expect(candle.low).toBeLessThanOrEqual(Math.min(candle.open, candle.close));
    }
    const tooLong = connect().getHistoricalData(future, 'minute', '2026-01-01 00:00:00', '2026-06-01 00:00:00');
    await expect(tooLong).rejects.toMatchObject({ error_type: 'InputException' });
  });
});

describe('KiteTicker', () => {
  type Ticks = { instrument_token: number; mode: string; depth?: { buy: { price: number }[] }; last_price: number }[];
  let ticker: Ticker;
  let latest = new Map<number, Ticks[number]>();
  let heartbeats = 0;
  const errors: { message?: string }[] = [];

  const until = async (condition: () => boolean): Promise<void> => {
    for (let tries = 0; tries < 400 && !condition(); tries++) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(condition()).toBe(true);
  };
  const modes = (tokens: number[]): (string | undefined)[] => tokens.map((each) => latest.get(each)?.mode);

  beforeAll(() => {
    // The client takes `root`, though its types do not say so.
    const params = {
      api_key: 'demo-b',
      access_token: 'demo-token-b',
      root: `${address.websocketUrl}/`,
      reconnect: false,
    };
    ticker = new KiteTicker(params);
    ticker.on('ticks', (ticks: Ticks) => {
      for (const tick of ticks) latest.set(tick.instrument_token, tick);
    });
    ticker.on('message', (bytes: ArrayBuffer) => {
      if (bytes.byteLength === 1) heartbeats += 1;
    });
    ticker.on('error', (error: { message?: string }) => errors.push(error));
  });

  it('sees heartbeats while nothing is subscribed', async () => {
    ticker.connect();
    await until(() => heartbeats >= 2);
    expect(simulator.connections.at(-1)!.counters.heartbeats).toBeGreaterThanOrEqual(2);
  });

  it('subscribes: quote by default, then ltp and full as the mode is changed', async () => {
    const tokens = [token('NSE:RELIANCE'), token('NSE:NIFTY 50'), futureOf('MCX', 'GOLD')];
    ticker.subscribe(tokens);
    await until(() => modes(tokens).every((mode) => mode === 'quote'));
    ticker.setMode(ticker.modeLTP, tokens);
    await until(() => modes(tokens).every((mode) => mode === 'ltp'));
    ticker.setMode(ticker.modeFull, tokens);
    await until(() => modes(tokens).every((mode) => mode === 'full'));
    expect(latest.get(tokens[0]!)!.depth!.buy).toHaveLength(5);
    expect(latest.get(tokens[1]!)!.depth).toBeUndefined();
    expect(simulator.connections.at(-1)!.received.map(({ action }) => action)).toEqual(['subscribe', 'mode', 'mode']);
  });

  it('gets the prices that the market has', async () => {
    const usd = futureOf('CDS', 'USDINR');
    ticker.subscribe([usd]);
    await until(() => latest.has(usd));
    const price = latest.get(usd)!.last_price;
    expect(price).toBeGreaterThan(60);
    expect(price).toBeLessThan(120);
    expect(Math.round(price * 1e7) % 25_000).toBe(0);
  });

  it('gets nothing more after unsubscribing', async () => {
    const infy = token('NSE:INFY');
    ticker.subscribe([infy]);
    await until(() => latest.has(infy));
    ticker.unsubscribe([infy]);
    await until(() => !simulator.connections.at(-1)!.subscriptions.has(infy));
    const sent = simulator.ticksSent(infy);
    latest = new Map();
    await until(() => latest.size >= 3);
    expect(latest.has(infy)).toBe(false);
    expect(simulator.ticksSent(infy)).toBe(sent);
  });

  it('gets order updates', async () => {
    let order: unknown;
    ticker.on('order_update', (data: unknown) => {
      order = data;
    });
    simulator.faults.order({
      fault: 'text',
      apiKey: 'demo-b',
      type: 'order',
      data: { order_id: '1', status: 'COMPLETE' },
    });
    await until(() => order !== undefined);
    expect(order).toEqual({ order_id: '1', status: 'COMPLETE' });
  });

  it('is refused with 403 once the token has expired', async () => {
    ticker.disconnect();
    await until(() => !simulator.connections.at(-1)!.open);
    simulator.faults.order({ fault: 'expireToken', apiKey: 'demo-b' });
    ticker.connect();
    await until(() => errors.length > 0);
    expect(errors[0]!.message).toContain('403');
    expect(simulator.refusedUpgrades.get(403)).toBe(1);
  });
});
