import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { account } from '../failover/accounting.ts';
import { orderBroker } from '../lab/broker.ts';
import { eventually } from '../lab/command.ts';
import { applyDesk, clearDesk, recovered, waitCondition } from '../lab/desk.ts';
import { apply, kubectl } from '../lab/kubectl.ts';
import { desk, rate, release, system } from '../lab/lab.ts';
import { readReport, resetReader } from '../lab/reader.ts';

beforeAll(applyDesk);
afterAll(clearDesk);

const secret = (name: string, apiKey: string, accessToken: string): Promise<string> =>
  apply(
    JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { apiKey, accessToken } }),
    desk,
  );

/** Ticks of the other account's set that are looked at, at least: a second of five instruments. */
const enough = 5 * rate;

/** Makes sure that the other account's set misses nothing while something happens to the first. */
async function undisturbed(happen: () => Promise<void>): Promise<void> {
  await recovered();
  await resetReader();
  await happen();
  // What happened may have been over sooner than ticks can be counted.
  const { made, live } = await eventually('enough ticks are made', async () => {
    const counted = account(await readReport(), { rate, margin: 1500, sets: [`${desk}/right`] });
    return counted.made >= enough ? counted : undefined;
  });
  expect(live).toBe(made);
}

describe('credentials on a cluster', () => {
  it('a wrong token is told, costs the other account nothing, and is forgotten once it is right', async () => {
    await undisturbed(async () => {
      await secret('kite-demo-a', 'demo-a', 'mistyped-token-value');
      await waitCondition('tickeraccount', 'demo-a', 'CredentialsValid', 'False', /Secret/);
      await secret('kite-demo-a', 'demo-a', 'demo-token-a');
      await waitCondition('tickeraccount', 'demo-a', 'CredentialsValid', 'True');
      await waitCondition('tickeraccount', 'demo-a', 'Ready', 'True');
    });
  });

  it('a token that expired is told, and a rotated one in its Secret ends that', async () => {
    const rotate = async (accessToken: string): Promise<void> => {
      await orderBroker({ fault: 'rotateToken', apiKey: 'demo-a', accessToken });
      await secret('kite-demo-a', 'demo-a', accessToken);
    };
    await undisturbed(async () => {
      await orderBroker({ fault: 'expireToken', apiKey: 'demo-a', disconnect: true });
      await waitCondition('tickeraccount', 'demo-a', 'CredentialsValid', 'False', /fresh access token into Secret/);
      await waitCondition('instrumentset', 'left', 'Ready', 'False');
      try {
        await rotate('demo-token-a2');
        await waitCondition('tickeraccount', 'demo-a', 'CredentialsValid', 'True');
        await waitCondition('instrumentset', 'left', 'Ready', 'True');
      } finally {
        await rotate('demo-token-a');
      }
    });
  });

  it('a missing Secret is told, and its account streams once it is there', async () => {
    await undisturbed(async () => {
      await kubectl(['delete', 'secret', 'kite-demo-a', '-n', desk]);
      await waitCondition('tickeraccount', 'demo-a', 'CredentialsValid', 'False', /kite-demo-a/);
      await secret('kite-demo-a', 'demo-a', 'demo-token-a');
      await waitCondition('tickeraccount', 'demo-a', 'CredentialsValid', 'True');
      await waitCondition('tickeraccount', 'demo-a', 'Ready', 'True');
    });
  });

  it('a shard may read the Secrets of accounts, and no other; the operator and the gateway none', async () => {
    await secret('not-an-account', 'x', 'y');
    const may = async (who: string, verb: string, what: string, namespace: string): Promise<string> =>
      (
        await kubectl([
          ...['auth', 'can-i', verb, what, '-n', namespace, `--as=system:serviceaccount:${system}:${release}-${who}`],
        ]).catch(() => 'no')
      ).trim();
    expect(await may('shard', 'get', 'secret/kite-demo-a', desk)).toBe('yes');
    expect(await may('shard', 'get', 'secret/not-an-account', desk)).toBe('no');
    expect(await may('shard', 'list', 'secrets', desk)).toBe('no');
    expect(await may('shard', 'create', 'subscriptionslices', desk)).toBe('no');
    for (const who of ['operator', 'gateway']) {
      expect(await may(who, 'get', 'secret/kite-demo-a', desk)).toBe('no');
      expect(await may(who, 'list', 'secrets', desk)).toBe('no');
    }
  });
});
