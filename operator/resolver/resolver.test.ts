import { describe, expect, test } from 'vitest';
import { type InstrumentSetSpec, instrumentSetSpec } from '../../crds/index.ts';
import { InstrumentCatalog } from './instrument-catalog.ts';
import { master, nifty, smallMarket } from './master.testing.ts';
import { type ResolverMarket, resolve } from './resolver.ts';
import { globMatcher } from './selector.ts';

const rows = smallMarket();
const catalog = new InstrumentCatalog(master(rows), '2026-01-05');

function market(spot?: number): ResolverMarket {
  return { id: 'kite', catalog, spot: (token) => (token === nifty.token ? spot : undefined) };
}

function run(spec: unknown, markets = [market(24010)], former = new Map<string, number>()) {
  const parsed: InstrumentSetSpec = instrumentSetSpec.parse(spec);
  const resolution = resolve(parsed, markets, former);
  const symbols = (resolution.instruments.get('kite') ?? []).map(({ instrument }) => instrument.symbol);
  return { ...resolution, symbols };
}

const chain = (extra: object = {}) => ({
  optionChains: [{ underlying: 'NSE:NIFTY 50', strikes: { aroundMoney: 2 }, ...extra }],
});

describe('explicit instruments', () => {
  test('known ones resolve, unknown ones name their neighbours', () => {
    const { symbols, problems, requested, unknownNames } = run({ instruments: ['NSE:INFY', 'NSE:RELIANC'] });
    expect(symbols).toEqual(['INFY']);
    expect(requested).toBe(2);
    expect(unknownNames).toBe(true);
    expect(problems).toEqual([
      {
        instrument: 'NSE:RELIANC',
        reason: 'UnknownInstrument',
        message: 'NSE:RELIANC is not in the instrument master; did you mean NSE:RELIANCE?',
      },
    ]);
  });

  test('an expired one says since when', () => {
    const { problems } = run({ instruments: ['NFO:NIFTY26010124000CE'] });
    expect(problems[0]).toMatchObject({ reason: 'InstrumentExpired', message: expect.stringContaining('2026-01-01') });
  });

  test('an option knows its underlying', () => {
    const { instruments } = run({ instruments: ['NFO:NIFTY26010824000CE'] });
    expect(instruments.get('kite')).toMatchObject([{ underlying: nifty.token }]);
  });

  test('problems shown are bounded, their count is not', () => {
    const names = Array.from({ length: 50 }, (_, n) => `NSE:NOSUCH${n}`);
    const { problems, problemCount, requested } = run({ instruments: names });
    expect([problems.length, problemCount, requested]).toEqual([20, 50, 50]);
  });
});

describe('selectors', () => {
  test('by pattern, type and nearest expiry', () => {
    expect(run({ selectors: [{ exchange: 'NFO', types: ['FUT'], symbol: 'NIFTY*FUT' }] }).symbols).toEqual([
      'NIFTY26JANFUT',
      'NIFTY26FEBFUT',
    ]);
    expect(run({ selectors: [{ exchange: 'NFO', types: ['FUT'], expiries: { nearest: 1 } }] }).symbols).toEqual([
      'NIFTY26JANFUT',
      'RELIANCE26JANFUT',
    ]);
  });

  test('more than the limit is refused as a whole', () => {
    const { symbols, problems, requested } = run({ selectors: [{ exchange: 'NFO', name: 'NIFTY', limit: 10 }] });
    expect(symbols).toEqual([]);
    expect(requested).toBe(166);
    expect(problems[0]).toMatchObject({
      reason: 'SelectorLimitExceeded',
      message:
        'spec.selectors[0] matches 166 instruments, more than its limit of 10, and is refused as a whole: narrow it, or raise spec.selectors[0].limit',
    });
  });

  test('nothing matched, and an exchange that is not there', () => {
    expect(run({ selectors: [{ exchange: 'NFO', name: 'NIFTYY' }] }).problems[0]?.reason).toBe(
      'SelectorMatchesNothing',
    );
    expect(run({ selectors: [{ exchange: 'XXX' }] }).problems[0]?.message).toContain('BSE, MCX, NFO, NSE');
  });

  test('a date that nothing expires on', () => {
    const { symbols, problems } = run({
      selectors: [{ exchange: 'NFO', types: ['FUT'], expiries: { dates: ['2026-01-29', '2026-01-30'] } }],
    });
    expect(symbols).toEqual(['NIFTY26JANFUT', 'RELIANCE26JANFUT']);
    expect(problems[0]).toMatchObject({ reason: 'UnknownExpiry', message: expect.stringContaining('2026-01-30') });
  });

  test('patterns', () => {
    expect(globMatcher('NIFTY*CE')('NIFTY24000CE')).toBe(true);
    expect(globMatcher('A*B*A')('ABA')).toBe(true);
    expect(globMatcher('AB*BA')('ABA')).toBe(false);
    expect(globMatcher('*B*')('ABA')).toBe(true);
    expect(globMatcher('INFY')('INFYX')).toBe(false);
    expect(globMatcher('A*B*C')('ACB')).toBe(false);
  });
});

describe('option chains', () => {
  test('ATM±2 of the nearest expiry with the underlying first', () => {
    const { symbols, requested, problemCount, centres, instruments } = run(chain());
    expect(symbols[0]).toBe('NIFTY 50');
    expect(symbols).toHaveLength(11);
    expect(symbols).toContain('NIFTY26010823900CE');
    expect(symbols).toContain('NIFTY26010824100PE');
    expect([requested, problemCount]).toEqual([11, 0]);
    expect(centres).toEqual(new Map([['NFO:NIFTY:2026-01-08', 24000]]));
    expect(
      instruments
        .get('kite')
        ?.slice(1)
        .every(({ underlying }) => underlying === nifty.token),
    ).toBe(true);
  });

  test('follows the price with hysteresis', () => {
    const former = new Map([['NFO:NIFTY:2026-01-08', 24000]]);
    expect(run(chain(), [market(24037)], former).centres.get('NFO:NIFTY:2026-01-08')).toBe(24000);
    expect(run(chain(), [market(24038)], former).centres.get('NFO:NIFTY:2026-01-08')).toBe(24050);
  });

  test('without a price nothing changes: it is pending', () => {
    const former = new Map([['NFO:NIFTY:2026-01-08', 24000]]);
    const result = run(chain(), [market()], former);
    expect(result.pending).toBe(true);
    expect(result.centres).toEqual(former);
    expect(result.problems[0]?.reason).toBe('SpotUnavailable');
    expect(result.follows.get('kite')).toEqual([{ token: nifty.token }]);
  });

  test('strikes that are not listed are told', () => {
    const { symbols, problems, requested } = run(chain({ strikes: { aroundMoney: 3 } }), [market(25000)]);
    expect(symbols).toHaveLength(9);
    expect(requested).toBe(15);
    expect(problems[0]).toMatchObject({
      reason: 'StrikesMissing',
      message: expect.stringMatching(/^NIFTY 2026-01-08: 8 of 14 options around 25000 are listed/),
    });
  });

  test('missing expiries are told, the others resolve', () => {
    const { symbols, problems } = run(chain({ expiries: { dates: ['2026-01-08', '2026-01-09'] } }));
    expect(symbols).toHaveLength(11);
    expect(problems[0]).toMatchObject({ reason: 'UnknownExpiry', message: expect.stringContaining('2026-01-15') });
    expect(run(chain({ expiries: { nearest: 3 } })).problems[0]?.reason).toBe('TooFewExpiries');
  });

  test('unknown underlying and unknown name', () => {
    expect(run(chain({ underlying: 'NSE:NIFTY 5' })).problems[0]).toMatchObject({
      reason: 'UnknownUnderlying',
      message: 'the underlying NSE:NIFTY 5 is not in the instrument master; did you mean NSE:NIFTY 50?',
    });
    expect(run(chain({ name: 'NIFT' })).problems[0]).toMatchObject({
      reason: 'NoOptions',
      message: expect.stringContaining('did you mean NIFTY?'),
    });
  });
});

describe('markets', () => {
  test('no account at all', () => {
    const { problems, requested } = run({ instruments: ['NSE:INFY', 'NSE:TCS'] }, []);
    expect(problems[0]?.reason).toBe('NoAccount');
    expect(requested).toBe(2);
  });

  test('an item is looked up in a later market only once the earlier ones are loaded', () => {
    const unloaded = { id: 'other', catalog: undefined, spot: () => undefined };
    expect(run({ instruments: ['NSE:INFY'] }, [unloaded, market()]).pending).toBe(true);
    const empty = { ...unloaded, catalog: new InstrumentCatalog(master([]), '2026-01-05') };
    const result = run({ instruments: ['NSE:INFY'], ...chain() }, [empty, market(24010)]);
    expect(result.pending).toBe(false);
    expect(result.symbols).toHaveLength(12);
  });
});
