import { expect, test } from 'vitest';
import type { KubeObject } from '../../crds/index.ts';
import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { Overlay } from './overlay.ts';

function object(name: string, resourceVersion: string, uid = name): KubeObject {
  return { apiVersion: 'v1', kind: 'Thing', metadata: { namespace: 'ns', name, uid, resourceVersion } };
}

const versions = (objects: readonly KubeObject[]) =>
  objects.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`);

test('shows our own write until the cache has it or something newer', () => {
  const overlay = new Overlay<KubeObject>(new VirtualClock());
  overlay.wrote(object('a', '10'));
  expect(versions(overlay.over([object('a', '9')]))).toEqual(['a@10']);
  expect(versions(overlay.over([]))).toEqual(['a@10']);
  expect(versions(overlay.over([object('a', '10')]))).toEqual(['a@10']);
  expect(versions(overlay.over([]))).toEqual([]);
});

test('what somebody else wrote since wins', () => {
  const overlay = new Overlay<KubeObject>(new VirtualClock());
  overlay.wrote(object('a', '9'));
  expect(versions(overlay.over([object('a', '10')]))).toEqual(['a@10']);
});

test('hides what was removed, but not its successor of the same name', () => {
  const overlay = new Overlay<KubeObject>(new VirtualClock());
  overlay.removed(object('a', '9', 'first'));
  expect(overlay.over([object('a', '8', 'first')])).toEqual([]);
  expect(versions(overlay.over([object('a', '12', 'second')]))).toEqual(['a@12']);
});

test('a write that the watch never shows is forgotten', async () => {
  const clock = new VirtualClock();
  const overlay = new Overlay<KubeObject>(clock);
  overlay.wrote(object('a', '10'));
  await clock.advance(10_000);
  expect(overlay.over([])).toEqual([]);
});
