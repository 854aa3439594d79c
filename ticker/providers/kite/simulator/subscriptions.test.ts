import { expect, it } from 'vitest';
import { Subscriptions } from './subscriptions.ts';

it('refuses what is past the limit and keeps the rest', () => {
  const subscriptions = new Subscriptions();
  expect(subscriptions.subscribe([1, 2, 3], 2, 0)).toBe(1);
  expect([...subscriptions.modes()]).toEqual([
    [1, 'quote'],
    [2, 'quote'],
  ]);
  subscriptions.unsubscribe([1]);
  expect(subscriptions.subscribe([3], 2, 0)).toBe(0);
});

it('counts a token each time it is subscribed, and no more once it is unsubscribed', () => {
  const subscriptions = new Subscriptions();
  expect(subscriptions.subscribe([1, 1, 2], 4, 0)).toBe(0);
  expect([subscriptions.size, subscriptions.counted]).toEqual([2, 3]);
  expect(subscriptions.subscribe([2, 3], 4, 0)).toBe(1);
  subscriptions.unsubscribe([1, 2, 9]);
  expect([subscriptions.size, subscriptions.counted]).toEqual([0, 0]);
});

it('keeps the mode of a token that is subscribed again, and knows none of others', () => {
  const subscriptions = new Subscriptions();
  subscriptions.subscribe([1], 10, 0);
  subscriptions.setMode([1, 2], 'full');
  subscriptions.subscribe([1], 10, 0);
  expect([...subscriptions.modes()]).toEqual([[1, 'full']]);
});

it('loses the share that was ordered, and finds them again when they are subscribed anew', () => {
  const subscriptions = new Subscriptions();
  const tokens = Array.from({ length: 100 }, (_, index) => index + 1);
  subscriptions.subscribe(tokens, 3000, 0.25);
  const lost = (): number => [...subscriptions.entries()].filter(([, each]) => each.lost).length;
  expect(lost()).toBe(25);
  expect(subscriptions.lose(0.5)).toBe(50);
  subscriptions.subscribe(tokens, 3000, 0);
  expect(lost()).toBe(0);
});
