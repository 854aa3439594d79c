import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deletePod } from '../failover/faults.ts';
import { measure } from '../failover/measure.ts';
import { ownerOf } from '../failover/slices.ts';
import { eventually } from '../lab/command.ts';
import { applyDesk, clearDesk, waitReady } from '../lab/desk.ts';
import { extraAccount, extraSlice, removeExtra } from '../lab/extra.ts';
import { GatewayReader } from '../lab/gateway.ts';
import { apply, kubectl } from '../lab/kubectl.ts';
import { desk, gatewayPods, imagesFromEnvironment, shardPods, system, upgrade } from '../lab/lab.ts';
import { list, pods } from '../lab/objects.ts';
import { readReport } from '../lab/reader.ts';

beforeAll(applyDesk);
afterAll(async () => {
  await upgrade(imagesFromEnvironment());
  await clearDesk();
});

const apiVersion = 'ticker-operator.io/v1alpha1';
const shardCount = async (): Promise<number> =>
  (await pods(system, shardPods)).filter(({ leaving }) => !leaving).length;

describe('what a platform team does', () => {
  it('more pods, and fewer again: every tick is accounted for', async () => {
    const { untold, stale } = await measure({
      name: 'scale',
      happen: async () => {
        await upgrade(imagesFromEnvironment(), 'shards.min=3');
        await eventually('three pods', async () => ((await shardCount()) === 3 ? true : undefined));
        await upgrade(imagesFromEnvironment());
        await eventually('two pods', async () => ((await shardCount()) === 2 ? true : undefined), { timeout: 240_000 });
      },
    });
    expect({ untold, stale }).toEqual({ untold: 0, stale: 0 });
  });

  it('an account is suspended and resumed, and its set says so', async () => {
    const suspend = (suspended: boolean) =>
      kubectl([
        'patch',
        'tickeraccount',
        'demo-a',
        '-n',
        desk,
        '--type=merge',
        '-p',
        JSON.stringify({ spec: { suspended } }),
      ]);
    await suspend(true);
    await eventually('the set is not Ready', async () => {
      const text = await kubectl([
        'get',
        'instrumentset',
        'left',
        '-n',
        desk,
        '-o',
        'jsonpath={.status.conditions[?(@.type=="Ready")].status}',
      ]);
      return text === 'False' ? true : undefined;
    });
    await suspend(false);
    await waitReady();
  });

  it('a set that is deleted ends, and disturbs no other', async () => {
    const { made, live, overlap, stream, late, gap, untold, stale } = await measure({
      name: 'set-deleted',
      unseen: true,
      happen: async () => {
        await apply(
          JSON.stringify({
            apiVersion,
            kind: 'InstrumentSet',
            metadata: { name: 'brief' },
            spec: { mode: 'ltp', instruments: ['NSE:WIPRO'] },
          }),
          desk,
        );
        await waitReady();
        await kubectl(['delete', 'instrumentset', 'brief', '-n', desk, '--timeout=60s']);
      },
    });
    const none = { overlap: 0, stream: 0, late: 0, gap: 0, untold: 0, stale: 0 };
    expect({ live, overlap, stream, late, gap, untold, stale }).toEqual({ live: made, ...none });
    const { ends } = await readReport();
    const brief = ends.filter(({ set }) => set === `${desk}/brief`);
    expect(brief.length).toBeGreaterThan(0);
    expect(brief.map(({ after }) => after)).toEqual(brief.map(() => 0));
    expect(ends).toEqual(brief);
  });

  it('an account that is deleted while it streams: its instruments move without a gap, and its slice ends', async () => {
    await extraAccount();
    const selector = JSON.stringify({ spec: { accountSelector: { names: ['extra', 'demo-b'] } } });
    await kubectl(['patch', 'instrumentset', 'extra', '-n', desk, '--type=merge', '-p', selector]);
    const { untold, stale, gap } = await measure({
      name: 'account-deleted',
      happen: async () => {
        await kubectl(['delete', 'tickeraccount', 'extra', '-n', desk, '--timeout=60s']);
        await eventually('its slice has ended', async () =>
          (await list('subscriptionslice', desk)).every(({ metadata }) => metadata.name !== extraSlice)
            ? true
            : undefined,
        );
        await waitReady();
      },
    });
    await removeExtra();
    expect({ untold, stale, gap }).toEqual({ untold: 0, stale: 0, gap: 0 });
  });

  it('one gateway serves every slice of a set that two shards serve, through the death of one, and of its sibling', async () => {
    const account = (name: string, secretName: string): object => ({
      apiVersion,
      kind: 'TickerAccount',
      metadata: { name, labels: { desk: 'both' } },
      spec: {
        provider: 'kite',
        credentials: { secretName },
        limits: { connections: 1, instrumentsPerConnection: 6 },
        endpoint: { rest: 'http://kite-simulator:8080', websocket: 'ws://kite-simulator:8080' },
      },
    });
    const instruments = [
      'WIPRO',
      'MARUTI',
      'TITAN',
      'NTPC',
      'ONGC',
      'POWERGRID',
      'ULTRACEMCO',
      'SUNPHARMA',
      'ASIANPAINT',
      'HCLTECH',
    ];
    const set = {
      apiVersion,
      kind: 'InstrumentSet',
      metadata: { name: 'both' },
      spec: {
        mode: 'quote',
        accountSelector: { matchLabels: { desk: 'both' } },
        instruments: instruments.map((each) => `NSE:${each}`),
      },
    };
    for (const object of [account('both-a', 'kite-demo-a'), account('both-b', 'kite-demo-b'), set])
      await apply(JSON.stringify(object), desk);
    await waitReady();
    const slices = (await list('subscriptionslice', desk))
      .map(({ metadata }) => metadata.name)
      .filter((name) => name.startsWith('both-'));
    expect(slices).toHaveLength(2);
    const [gateway, sibling] = await pods(system, gatewayPods);
    await using reader = await GatewayReader.start(gateway!.name, `${desk}/both`);
    const wanted = new Set(slices.map((name) => `${desk}/${name}`));
    await reader.hearsAll(wanted);
    await deletePod(await ownerOf(slices[0]!), true);
    await deletePod(sibling!);
    await reader.hearsAll(wanted);
    await waitReady();
    await reader.hearsAll(wanted);
  });
});
