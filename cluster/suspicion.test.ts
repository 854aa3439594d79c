import { expect, test } from 'vitest';
import { Suspicion } from './suspicion.ts';

/** Own renewals seen each 500 ms from `from` to `to`. */
function live(suspicion: Suspicion, from: number, to: number): void {
  for (let now = from; now <= to; now += 500) suspicion.ownRenewal(now);
}

test('a holder unrenewed for 3 s of a live watch is suspect, and none that renews', () => {
  const suspicion = new Suspicion();
  for (let now = 0; now <= 10_000; now += 500) {
    suspicion.ownRenewal(now);
    suspicion.renewed('well', now);
    if (now <= 1_000) suspicion.renewed('dead', now);
    expect(suspicion.isSuspect('well')).toBe(false);
    expect(suspicion.isSuspect('dead')).toBe(now >= 4_000);
  }
  expect(suspicion.suspects).toEqual(['dead']);
});

test('nothing is suspected while the own watch shows nothing, and an outage restarts every wait', () => {
  const suspicion = new Suspicion();
  live(suspicion, 0, 1_000);
  suspicion.renewed('a', 1_000);
  live(suspicion, 1_500, 3_000);
  // The API server is away for 9 s: nobody's renewals are seen.
  expect(suspicion.isLive(11_900)).toBe(false);
  expect(suspicion.isSuspect('a')).toBe(false);
  live(suspicion, 12_000, 14_500);
  expect(suspicion.isLive(14_500)).toBe(true);
  expect(suspicion.isSuspect('a')).toBe(false);
  suspicion.ownRenewal(15_000);
  expect(suspicion.isSuspect('a')).toBe(true);
});

test('after a long outage others are given time to reach the API server too, unless a kubelet says that one has ended', () => {
  const suspicion = new Suspicion();
  live(suspicion, 0, 3_000);
  suspicion.renewed('late', 3_000);
  suspicion.renewed('ended', 3_000);
  live(suspicion, 303_000, 365_500);
  expect(suspicion.suspects).toEqual([]);
  suspicion.ended('ended', 365_600);
  expect(suspicion.suspects).toEqual(['ended']);
  suspicion.ownRenewal(366_000);
  expect(suspicion.suspects).toEqual(['ended', 'late']);
  suspicion.renewed('late', 366_100);
  live(suspicion, 366_500, 369_000);
  expect(suspicion.isSuspect('late')).toBe(false);
  suspicion.ownRenewal(369_100);
  expect(suspicion.isSuspect('late')).toBe(true);
});

test('a short lapse of the own watch does not restart a wait', () => {
  const suspicion = new Suspicion();
  suspicion.ownRenewal(0);
  suspicion.renewed('a', 0);
  suspicion.ownRenewal(1_900);
  suspicion.ownRenewal(3_100);
  expect(suspicion.isSuspect('a')).toBe(true);
});

test('a suspect that renews is none any more, and one whose container ended is one at once', () => {
  const suspicion = new Suspicion();
  suspicion.renewed('a', 0);
  suspicion.ended('a', 10);
  expect(suspicion.isSuspect('a')).toBe(true);
  suspicion.renewed('a', 20);
  expect(suspicion.isSuspect('a')).toBe(false);
  suspicion.ended('b', 30);
  suspicion.forget('b');
  expect(suspicion.suspects).toEqual([]);
});
