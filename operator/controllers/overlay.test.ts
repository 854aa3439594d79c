import { expect, test } from 'vitest';
import type { KubeObject } from '../../crds/index.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { type Cached, Overlay } from './overlay.ts';

function object(name: string, resourceVersion: string, uid = name): KubeObject {
  return { apiVersion: 'v1', kind: 'Thing', metadata: { namespace: 'ns', name, uid, resourceVersion } };
}

const versions = (objects: readonly KubeObject[]) =>
  objects.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`);

/** A cache at a version: the newest of its objects, unless said. */
function cache(objects: readonly KubeObject[], at = Math.max(0, ...objects.map(versionOf))): Cached<KubeObject> {
  return { list: () => objects, observed: (version) => Number(version) <= at };
}

function versionOf({ metadata }: KubeObject): number {
  return Number(metadata.resourceVersion);
}

test('shows our own write until the cache has it or something newer', () => {
  const overlay = new Overlay<KubeObject>(new VirtualClock());
  overlay.wrote(object('a', '10'));
  expect(versions(overlay.over(cache([object('a', '9')])))).toEqual(['a@10']);
  expect(versions(overlay.over(cache([])))).toEqual(['a@10']);
  expect(versions(overlay.over(cache([object('a', '10')])))).toEqual(['a@10']);
  expect(versions(overlay.over(cache([])))).toEqual([]);
});

test('what somebody else wrote since wins', () => {
  const overlay = new Overlay<KubeObject>(new VirtualClock());
  overlay.wrote(object('a', '9'));
  expect(versions(overlay.over(cache([object('a', '10')])))).toEqual(['a@10']);
});

test('what somebody else removed since is gone as soon as the cache has come that far', () => {
  const overlay = new Overlay<KubeObject>(new VirtualClock());
  overlay.wrote(object('a', '9'));
  expect(versions(overlay.over(cache([], 8)))).toEqual(['a@9']);
  expect(overlay.over(cache([], 9))).toEqual([]);
});

test('hides what was removed, but not its successor of the same name', () => {
  const overlay = new Overlay<KubeObject>(new VirtualClock());
  overlay.removed(object('a', '9', 'first'));
  expect(overlay.over(cache([object('a', '9', 'first')], 11))).toEqual([]);
  expect(versions(overlay.over(cache([object('a', '12', 'second')])))).toEqual(['a@12']);
});

test('a cache that stands still does not take a decision back, however long', async () => {
  const clock = new VirtualClock();
  const overlay = new Overlay<KubeObject>(clock);
  const still = cache([object('a', '8', 'first')]);
  overlay.wrote(object('a', '10', 'second'));
  await clock.advance(200_000);
  expect(versions(overlay.over(still))).toEqual(['a@10']);
});

test('a write that the watch never shows is forgotten in the end: versions have gone back', async () => {
  const clock = new VirtualClock();
  const overlay = new Overlay<KubeObject>(clock);
  overlay.wrote(object('a', '10'));
  await clock.advance(600_000);
  expect(overlay.over(cache([]))).toEqual([]);
});
