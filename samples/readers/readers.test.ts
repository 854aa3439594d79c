import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accountYaml, StandaloneHarness, setYaml } from '../../cli/standalone.testing.ts';
import { type RedisServer, startRedis } from '../../ticker/sinks/redis/redis-server.testing.ts';

const root = join(import.meta.dirname, '../..');
const python = join(root, '.cache/python/bin/python');

let redis: RedisServer;
let harness: StandaloneHarness;
const children: ChildProcess[] = [];

beforeAll(async () => {
  redis = await startRedis();
  harness = new StandaloneHarness();
  harness.write('account.yaml', accountYaml('demo'));
  harness.write('shares.yaml', setYaml('shares', '  instruments: [NSE:INFY, NSE:TCS]'));
  harness.write(
    'chain.yaml',
    setYaml(
      'chain',
      `  mode: full
  optionChains: [{ underlying: NSE:NIFTY 50, name: NIFTY, strikes: { aroundMoney: 1 } }]
  greeks: {}
  delivery: { format: arrow, conflate: true }`,
    ),
  );
  harness.write(
    'each.yaml',
    setYaml('each', '  instruments: [NSE:SBIN]\n  mode: ltp\n  delivery: { format: arrow, window: 0, latest: false }'),
  );
  await harness.start({ redis: redis.url });
  for (const set of ['shares', 'chain', 'each']) await harness.line([`set default/${set}: Ready`]);
}, 60_000);

afterAll(async () => {
  for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
  await harness.stop();
  await redis.stop();
});

/** Runs a reader until it ends, or has written `lines` lines; its lines. */
async function run(command: string, args: readonly string[], lines = Number.POSITIVE_INFINITY): Promise<string[]> {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  children.push(child);
  let [output, errors] = ['', ''];
  const ended = once(child, 'close');
  child.stderr.on('data', (text) => (errors += text));
  child.stdout.on('data', (text) => {
    output += text;
    // All of its group: a shell's children too.
    if (output.split('\n').length > lines) process.kill(-child.pid!, 'SIGTERM');
  });
  await ended;
  expect(errors).toBe('');
  return output.trimEnd().split('\n');
}

const node = (file: string, ...args: string[]): Promise<string[]> =>
  run(process.execPath, [`samples/readers/${file}`, redis.url, ...args]);

describe('Node', () => {
  test('count.ts counts batches and finds none missing', async () => {
    const [counts] = await node('count.ts', 'default/shares', '2');
    expect(JSON.parse(counts!)).toMatchObject({ missing: 0, batches: expect.any(Number) });
  });

  test('read.ts prints ticks of a set in JSON', async () => {
    const ticks = (await node('read.ts', 'default/shares', '2')).map((line) => JSON.parse(line));
    expect(ticks.length).toBeGreaterThanOrEqual(2);
    for (const tick of ticks) {
      expect(tick).toMatchObject({ packet: 'quote', last_price: expect.any(Number), receive_time: expect.any(Number) });
    }
  });

  test('read.ts prints ticks of a set in Arrow', async () => {
    const ticks = (await node('read.ts', 'default/each', '1')).map((line) => JSON.parse(line));
    expect(ticks).toEqual([
      expect.objectContaining({ symbol: 'NSE:SBIN', packet: 'ltp', last_price: expect.any(Number) }),
    ]);
  });
});

/** Every fixture as pyarrow reads it, which checks the whole of it, against the same in JSON. */
const compare = `
import glob, json
import pyarrow as pa
for name in sorted(glob.glob('ticker/pipeline/format/fixtures/v1/*.arrow')):
    table = pa.ipc.open_stream(open(name, 'rb').read()).read_all()
    table.validate(full=True)
    header = json.load(open(name.replace('.arrow', '.json')))
    columns = header.pop('columns')
    assert json.loads(table.schema.metadata[b'header']) == header, name
    assert table.column_names == list(columns), name
    for column, values in columns.items():
        own = table[column]
        if pa.types.is_timestamp(own.type):
            assert str(own.type) == 'timestamp[us, tz=UTC]', column
            own = own.cast(pa.int64())
        assert own.to_pylist() == values, (name, column)
    print(name.split('/')[-1])
`;

describe('Python', () => {
  beforeAll(() => {
    if (!existsSync(python)) throw new Error(`${python} is missing: run scripts/setup python`);
  });

  test('pyarrow finds what is kept of version 1 whole, and the same as in JSON', async () => {
    expect(await run(python, ['-c', compare])).toEqual([
      'every-column.arrow',
      'heartbeat.arrow',
      'ltp.arrow',
      'quote.arrow',
    ]);
  });

  test.each([
    ['Arrow', 'chain', 'default/chain default/demo-c0 seq ', 'oi'],
    ['JSON', 'shares', 'default/shares default/demo-c0 seq ', 'volume'],
  ])('read.py makes a DataFrame of a set in %s', async (_, set, start, column) => {
    let lines: string[] = [];
    // A window may have brought nothing but the index, which has no open interest.
    for (let attempt = 0; attempt < 10 && !(lines[1] ?? '').split(/\s+/).includes(column); attempt++) {
      lines = await run(python, ['samples/readers/read.py', redis.url, `default/${set}`, '1']);
    }
    const [title, columns, ...rows] = lines;
    expect(title).toMatch(new RegExp(`^${start}\\d+: ${rows.length} ticks$`));
    expect(columns!.trim().split(/\s+/)).toEqual(expect.arrayContaining(['symbol', 'last_price', column]));
    // Conflated: no instrument twice.
    const symbols = rows.map((row) => /N(?:SE|FO):\S+(?: 50)?/.exec(row)![0]);
    if (set === 'chain') expect(new Set(symbols).size).toBe(symbols.length);
  });
});

test('read.sh prints batches with redis-cli', async () => {
  const lines = await run('samples/readers/read.sh', [redis.url, 'default/shares'], 2);
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ v: 1, set: 'default/shares' });
});
