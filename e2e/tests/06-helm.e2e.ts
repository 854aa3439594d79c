import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chartVersion } from '../../helm/generate/chart-yaml.ts';
import { measure } from '../failover/measure.ts';
import { eventually } from '../lab/command.ts';
import { applyDesk, clearDesk, recovered } from '../lab/desk.ts';
import { kubectl } from '../lab/kubectl.ts';
import { chart, definitions, desk, imagesFromEnvironment, install, operatorPods, system } from '../lab/lab.ts';
import { list, pods } from '../lab/objects.ts';
import { readReport, resetReader } from '../lab/reader.ts';
import {
  helmInstall,
  helmRollback,
  helmTest,
  helmUninstall,
  helmUpgrade,
  previousChart,
  shardsRun,
} from '../lab/release.ts';

const images = imagesFromEnvironment();

beforeAll(applyDesk);
// Anew, and not by an upgrade: that would roll the ticker pods out beneath the tests that follow.
afterAll(async () => {
  await clearDesk();
  await helmUninstall();
  await install(images);
});

/** UIDs of what users own, and of the definitions: the very same objects. */
async function uids(): Promise<Record<string, string>> {
  const kinds = ['tickeraccount', 'instrumentset', 'secret'];
  const objects = (await Promise.all(kinds.map((kind) => list(kind, desk)))).flat();
  const known = await list('customresourcedefinition', '');
  const ours = known.filter(({ metadata }) => definitions.includes(metadata.name));
  return Object.fromEntries([...objects, ...ours].map(({ metadata }) => [metadata.name, metadata.uid]));
}

/** Version of the chart that the definitions are of. */
async function definitionsOf(): Promise<string[]> {
  const kinds = await list('customresourcedefinition', '');
  const ours = kinds.filter(({ metadata }) => definitions.includes(metadata.name));
  return ours.map(({ metadata }) => metadata.labels['helm.sh/chart'] ?? '');
}

/** Pods of the release and how often they were restarted. */
async function podsOfRelease(): Promise<string[]> {
  const found = await pods(system, 'app.kubernetes.io/instance=ticker');
  return found.map(({ uid, restarts }) => `${uid} ${restarts}`).sort();
}

/** Ticks that a reader gets while nothing happens. */
async function ticks(): Promise<number> {
  await resetReader();
  await delay(3000);
  return (await readReport()).rows;
}

/** Only the newer chart's pods have the token. */
const hasToken = (args: readonly string[]): boolean => args.some((arg) => arg.startsWith('--market-data-token-file'));

describe('the life of a release, in a namespace that enforces the Pod Security level restricted', () => {
  it('helm uninstall leaves accounts, sets and definitions, and the next installation picks them up', async () => {
    const before = await uids();
    expect(Object.keys(before)).toEqual(expect.arrayContaining(['demo-a', 'demo-b', 'left', 'right', ...definitions]));
    await helmUninstall();
    expect(await uids()).toEqual(before);
    expect(await ticks()).toBe(0);
    await helmInstall(previousChart, images);
    await recovered();
    expect(await uids()).toEqual(before);
    expect(await ticks()).toBeGreaterThan(0);
    expect(await definitionsOf()).toEqual(Array(3).fill('ticker-operator-0.1.0'));
  });

  it('helm upgrade from the version before, while ticks flow: every tick is accounted for', async () => {
    const { made, live, overlap, gap, untold, stale, longestGap } = await measure({
      name: 'helm-upgrade',
      happen: async () => {
        await helmUpgrade();
        await shardsRun('the new template', hasToken);
      },
    });
    console.log(
      `helm upgrade: longest gap ${longestGap} ms; made ${made}, live ${live}, overlap ${overlap}, gap ${gap}`,
    );
    expect({ untold, stale }).toEqual({ untold: 0, stale: 0 });
    expect(await definitionsOf()).toEqual(Array(3).fill(`ticker-operator-${chartVersion}`));
  });

  it('helm test waits for a real tick', async () => {
    expect(await helmTest()).toMatch(/a tick of desk\/(left|right) after [\d.]+ s:\n[\d:.]+ +NSE:\w+/);
  });

  it('another level of the log restarts nothing', async () => {
    const before = await podsOfRelease();
    await helmUpgrade('logLevel=debug');
    const [leader] = await list('pods', system, operatorPods);
    await eventually('the level is debug', async () =>
      /"event":"log\.level","level":"debug"/.test(await kubectl(['logs', leader?.metadata.name ?? '', '-n', system]))
        ? true
        : undefined,
    );
    expect(await podsOfRelease()).toEqual(before);
    await helmUpgrade('logLevel=info');
  });

  it('helm rollback to the version before, while ticks flow: every tick is accounted for', async () => {
    const { made, live, overlap, gap, untold, stale, longestGap } = await measure({
      name: 'helm-rollback',
      happen: async () => {
        await helmRollback(1);
        await shardsRun('the former template', (args) => !hasToken(args));
      },
    });
    console.log(
      `helm rollback: longest gap ${longestGap} ms; made ${made}, live ${live}, overlap ${overlap}, gap ${gap}`,
    );
    expect({ untold, stale }).toEqual({ untold: 0, stale: 0 });
    expect(await definitionsOf()).toEqual(Array(3).fill('ticker-operator-0.1.0'));
  });

  it('a trial, with its own Redis and network policies, streams what is there; without a set helm test says so', async () => {
    const before = await uids();
    await helmUninstall();
    await helmInstall(
      chart,
      images,
      ...['redis.url=', 'redis.trial.enabled=true', `redis.trial.image.repository=${repository(images.redis)}`],
      ...[`redis.trial.image.tag=${images.redis.slice(images.redis.lastIndexOf(':') + 1)}`, 'test.timeoutSeconds=20'],
      ...['networkPolicy.enabled=true', 'networkPolicy.broker.ports={8080}'],
    );
    await recovered();
    expect(await uids()).toEqual(before);
    expect(await helmTest()).toMatch(/a tick of desk\/(left|right)/);
    await clearDesk();
    await expect(helmTest()).rejects.toThrow(/no tick within 20 s: there is no set yet\. Apply a TickerAccount/);
  });
});

function repository(image: string): string {
  return image.slice(0, image.lastIndexOf(':'));
}
