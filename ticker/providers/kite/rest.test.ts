import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Instrument } from '../../../cluster/market-data.ts';
import { systemClock } from '../../../runtime/clock.ts';
import { CodedError } from '../../../runtime/errors.ts';
import { VirtualClock } from '../../../runtime/virtual-clock.ts';
import { KiteRest, requestTimeout } from './rest.ts';

const apiKey = 'key-of-the-login';
const accessToken = 'token-of-the-day';
const never = new AbortController().signal;

let server: Server;
let root: string;
let requests: IncomingMessage[];
let respond: (request: IncomingMessage, response: ServerResponse) => void;

beforeEach(async () => {
  requests = [];
  server = createServer({ maxHeaderSize: 64 * 1024 }, (request, response) => {
    requests.push(request);
    respond(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  root = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

const rest = (clock = systemClock): KiteRest =>
  new KiteRest({ root: `${root}/`, apiKey, accessToken, account: 'default/a', clock });

function answer(body: unknown, status = 200, type = 'application/json') {
  return (_request: IncomingMessage, response: ServerResponse): void => {
    response.writeHead(status, { 'content-type': type });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

const exception = (type: string, message: string) => ({ status: 'error', error_type: type, message, data: null });

/** Everything that a log could show of an error. */
function everything(error: unknown): string {
  const parts: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) {
    parts.push(at.name, at.message, at.stack ?? '', JSON.stringify(Object.getOwnPropertyDescriptors(at)));
  }
  return parts.join('\n');
}

const instrument = (token: number, symbol: string): Instrument => ({
  token,
  symbol,
  exchange: 'NSE',
  name: symbol,
  segment: 'NSE',
  type: 'EQ',
  strike: 0,
  tickSize: 0.05,
  lotSize: 1,
});

describe('login', () => {
  it('asks for the profile with the credentials', async () => {
    respond = answer({ status: 'success', data: { user_id: 'AB1234' } });
    await rest().login(never);
    expect(requests[0]!.url).toBe('/user/profile');
    expect(requests[0]!.headers).toMatchObject({
      authorization: `token ${apiKey}:${accessToken}`,
      'x-kite-version': '3',
    });
  });
});

describe('errors', () => {
  it.each([
    [
      403,
      exception('TokenException', `Incorrect api_key or access_token ${accessToken}.`),
      'PROVIDER_CREDENTIALS_REFUSED',
    ],
    [403, exception('PermissionException', 'Insufficient permission'), 'KITE_PERMISSION_DENIED'],
    [403, '<html>Forbidden</html>', 'PROVIDER_CREDENTIALS_REFUSED'],
    [429, exception('NetworkException', 'Too many requests'), 'PROVIDER_RATE_LIMITED'],
    [429, 'Too many requests', 'PROVIDER_RATE_LIMITED'],
    [400, exception('InputException', 'Invalid `i`'), 'PROVIDER_BAD_RESPONSE'],
    [500, exception('GeneralException', 'Something failed'), 'PROVIDER_UNREACHABLE'],
    [502, '<html>Bad gateway</html>', 'PROVIDER_UNREACHABLE'],
    [200, exception('TokenException', 'in spite of the 200'), 'PROVIDER_CREDENTIALS_REFUSED'],
    [200, { status: 'success' }, 'PROVIDER_BAD_RESPONSE'],
    [200, '{"status":', 'PROVIDER_BAD_RESPONSE'],
    [302, '', 'PROVIDER_BAD_RESPONSE'],
  ])('HTTP %i with %j is %s', async (status, body, code) => {
    respond = answer(body, status, typeof body === 'string' && body.startsWith('<') ? 'text/html' : 'application/json');
    const error: unknown = await rest()
      .login(never)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CodedError);
    expect(error).toMatchObject({ code });
    expect(String(error)).toContain(`account default/a: login: HTTP ${status}`);
    expect(everything(error)).not.toContain(accessToken);
    expect(everything(error)).not.toContain(apiKey);
  });

  it.each(['lastPrices', 'history', 'instruments'] as const)(
    'a proxy page instead of %s is told apart',
    async (call) => {
      const ask = (): Promise<unknown> =>
        call === 'lastPrices'
          ? rest().lastPrices([instrument(1, 'INFY')], never)
          : call === 'history'
            ? rest().history({ instrument: instrument(1, 'INFY'), interval: 'day', from: 0, to: 1000 }, never)
            : rest().instruments(never);
      respond = answer('<html>hello</html>', 200, 'text/html');
      await expect(ask()).rejects.toMatchObject({ code: 'PROVIDER_BAD_RESPONSE' });
      respond = answer('<html>Bad gateway</html>', 502, 'text/html');
      await expect(ask()).rejects.toMatchObject({ code: 'PROVIDER_UNREACHABLE' });
    },
  );

  it('says so when nobody listens', async () => {
    server.close();
    await expect(rest().login(never)).rejects.toMatchObject({ code: 'PROVIDER_UNREACHABLE' });
  });

  it('gives up on an answer that never ends, by its own clock', async () => {
    const clock = new VirtualClock();
    const asked = new Promise<void>((resolve) => {
      respond = (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write('{');
        resolve();
      };
    });
    const pending = rest(clock)
      .login(never)
      .catch((thrown: unknown) => thrown);
    await asked;
    await clock.advance(requestTimeout);
    const error = await pending;
    expect(error).toMatchObject({ code: 'PROVIDER_UNREACHABLE' });
    expect(String(error)).toContain('not done in 7 s');
    expect(clock.pending).toBe(0);
  });

  it('is cancelled by the signal, and lets the connection go', async () => {
    const abort = new AbortController();
    const gone = new Promise<void>((resolve) => {
      respond = (request) => {
        request.on('close', resolve);
        abort.abort(new Error('stopped'));
      };
    });
    await expect(rest().login(abort.signal)).rejects.toThrow('stopped');
    await gone;
  });
});

describe('instruments', () => {
  const header =
    'instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange';
  const lines = [
    '408065,1594,INFY,INFOSYS,0.0,,0,0.05,1,EQ,NSE,NSE',
    '256265,1001,NIFTY 50,NIFTY 50,0.0,,0,0,0,EQ,INDICES,NSE',
    '12345602,48225,NIFTY26JAN24500CE,"NIFTY",1.5,2026-01-27,24500,0.05,75,CE,NFO-OPT,NFO',
    '1370115,5352,USDINR26JANFUT,USDINR,0,2026-01-28,0,0.0025,1,FUT,CDS-FUT,CDS',
    'x,1,BROKEN,,0,,0,0,0,EQ,NSE,NSE',
    '77,1,ODD,,0,,0,0,0,XX,NSE,NSE',
  ];
  const csv = (rows: readonly string[]): string => `${[header, ...rows].join('\n')}\n`;

  it('puts rows into our terms, in any time zone', async () => {
    const zone = process.env['TZ'];
    try {
      for (const tz of ['America/Los_Angeles', 'Pacific/Kiritimati']) {
        process.env['TZ'] = tz;
        respond = answer(csv(lines), 200, 'text/csv');
        const master = await rest(new VirtualClock(5000)).instruments(never);
        expect(master.loadedAt).toBe(5000);
        expect(master.instruments).toEqual([
          { ...instrument(408065, 'INFY'), name: 'INFOSYS' },
          { ...instrument(256265, 'NIFTY 50'), segment: 'INDICES', type: 'INDEX', tickSize: 0, lotSize: 0 },
          {
            token: 12345602,
            exchange: 'NFO',
            symbol: 'NIFTY26JAN24500CE',
            name: 'NIFTY',
            segment: 'NFO-OPT',
            type: 'CE',
            expiry: '2026-01-27',
            strike: 24500,
            tickSize: 0.05,
            lotSize: 75,
          },
          {
            token: 1370115,
            exchange: 'CDS',
            symbol: 'USDINR26JANFUT',
            name: 'USDINR',
            segment: 'CDS-FUT',
            type: 'FUT',
            expiry: '2026-01-28',
            strike: 0,
            tickSize: 0.0025,
            lotSize: 1,
          },
        ]);
      }
    } finally {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
  });

  it('has a version that changes with the content, not with prices', async () => {
    const version = async (rows: readonly string[]): Promise<string> => {
      respond = answer(csv(rows), 200, 'text/csv');
      return (await rest().instruments(never)).version;
    };
    const first = await version(lines);
    expect(await version(lines.map((line) => line.replace(',0.0,', ',9.5,')))).toBe(first);
    expect(await version(lines.slice(1))).not.toBe(first);
  });

  it('takes an empty list for a fault', async () => {
    respond = answer(csv([]), 200, 'text/csv');
    await expect(rest().instruments(never)).rejects.toMatchObject({ code: 'PROVIDER_BAD_RESPONSE' });
  });
});

describe('last prices', () => {
  it('asks for 1,000 at a time, once a second, and leaves out what has no price or another token', async () => {
    const clock = new VirtualClock();
    const times: number[] = [];
    const sizes: number[] = [];
    respond = (request, response) => {
      times.push(clock.monotonic());
      const keys = new URL(request.url!, root).searchParams.getAll('i');
      sizes.push(keys.length);
      const data: Record<string, unknown> = {};
      for (const key of keys) {
        const token = Number(key.slice('NSE:SYMBOL & '.length));
        if (token === 3) continue;
        data[key] = { instrument_token: token === 5 ? 999 : token, last_price: token === 7 ? 0 : token / 100 };
      }
      answer({ status: 'success', data })(request, response);
    };
    const instruments = Array.from({ length: 2001 }, (_, n) => instrument(n + 1, `SYMBOL & ${n + 1}`));
    let prices: ReadonlyMap<number, number> | undefined;
    const done = rest(clock)
      .lastPrices(instruments, never)
      .then((result) => {
        prices = result;
      });
    while (prices === undefined) await clock.advance(50);
    await done;
    expect(sizes).toEqual([1000, 1000, 1]);
    expect(times[1]! - times[0]!).toBeGreaterThan(1000);
    expect(times[2]! - times[1]!).toBeGreaterThan(1000);
    expect(prices.size).toBe(1998);
    expect([prices.get(1), prices.get(2001), prices.get(3), prices.get(5), prices.get(7)]).toEqual([
      0.01,
      20.01,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('history', () => {
  const minute = 60_000;
  const start = Date.UTC(2026, 0, 5, 3, 45);
  const candle = (time: number, close: number) => [
    `${new Date(time + 5.5 * 3_600_000).toISOString().slice(0, 19)}+0530`,
    1,
    2,
    0.5,
    close,
    100,
    7,
  ];

  it('asks in allowed ranges and returns each candle of the range once, in order', async () => {
    const day = 86_400_000;
    const urls: URL[] = [];
    const to = start + 61 * day;
    respond = (request, response) => {
      urls.push(new URL(request.url!, root));
      const candles =
        urls.length === 1
          ? [candle(start - minute, 1), candle(start, 2), candle(start + minute, 3)]
          : [candle(start + minute, 3), candle(to, 4), candle(to + minute, 5)];
      answer({ status: 'success', data: { candles } })(request, response);
    };
    const request = { instrument: instrument(408065, 'INFY'), interval: 'minute', from: start, to } as const;
    const candles = await rest().history(request, never);
    expect(urls.map(({ pathname }) => pathname)).toEqual(Array(2).fill('/instruments/historical/408065/minute'));
    expect(urls.map(({ searchParams }) => [searchParams.get('from'), searchParams.get('to')])).toEqual([
      ['2026-01-05 09:15:00', '2026-03-06 09:14:59'],
      ['2026-03-06 09:15:00', '2026-03-07 09:15:00'],
    ]);
    expect(urls[0]!.searchParams.get('oi')).toBe('1');
    expect(candles).toEqual([
      { time: start, open: 1, high: 2, low: 0.5, close: 2, volume: 100, openInterest: 7 },
      { time: start + minute, open: 1, high: 2, low: 0.5, close: 3, volume: 100, openInterest: 7 },
      { time: to, open: 1, high: 2, low: 0.5, close: 4, volume: 100, openInterest: 7 },
    ]);
  });

  it('refuses a range that would take a hundred requests', async () => {
    const request = { instrument: instrument(1, 'INFY'), interval: 'minute', from: 0, to: start } as const;
    await expect(rest().history(request, never)).rejects.toMatchObject({ code: 'KITE_HISTORY_TOO_LONG' });
    expect(requests).toEqual([]);
  });
});
