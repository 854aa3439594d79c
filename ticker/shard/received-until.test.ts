import { expect, test } from 'vitest';
import { ReceivedUntil } from './received-until.ts';

const epoch = 1_700_000_000_000_000;
const at = (monotonic: number) => ({ monotonic, wall: epoch + monotonic * 1000 });

function frames(received: ReceivedUntil, from: number, to: number, every = 250): void {
  for (let now = from; now <= to; now += every) received.heard(at(now));
}

function open(): ReceivedUntil {
  return new ReceivedUntil({ pause: 1_500, settle: 5_000 }, at(0));
}

test('it is the last frame, however long it takes to see that no other comes', () => {
  const received = open();
  expect(received.at(at(10))).toBe(at(0).wall);
  frames(received, 0, 3_000);
  for (let now = 4_000; now < 20_000; now += 1_000) received.alive(now);
  expect(received.at(at(20_000))).toBe(at(3_000).wall);
});

test('of frames that waited for the process to go on it is not known when they came', () => {
  const received = open();
  frames(received, 0, 3_000);
  frames(received, 60_000, 60_100, 10);
  expect(received.at(at(60_200))).toBe(at(3_000).wall);
  // Nor is it known after one more pause.
  frames(received, 70_000, 70_100, 10);
  expect(received.at(at(70_200))).toBe(at(3_000).wall);
});

test('a pause is forgotten once frames come that cannot have waited for its end', () => {
  const received = open();
  frames(received, 0, 3_000);
  frames(received, 60_000, 64_750);
  expect(received.at(at(64_800))).toBe(at(3_000).wall);
  frames(received, 65_000, 65_000);
  expect(received.at(at(65_100))).toBe(at(65_000).wall);
});

test('a quiet stream is no pause while the process lives', () => {
  const received = open();
  frames(received, 0, 1_000);
  for (let now = 1_500; now < 60_000; now += 1_000) received.alive(now);
  received.heard(at(60_000));
  expect(received.at(at(60_100))).toBe(at(60_000).wall);
});

test('a wall clock that was set back leaves the gap as long as it was', () => {
  const received = open();
  frames(received, 0, 3_000);
  expect(received.at({ monotonic: 5_000, wall: epoch - 3_600_000_000 })).toBe(epoch - 3_600_000_000 - 2_000_000);
});
