import { expect, test } from 'vitest';
import { BodyBuffers, headroom, surround } from './body-buffers.ts';

function filled(buffers: BodyBuffers, text: string): Buffer {
  const body = buffers.take(text.length);
  body.write(text, 'latin1');
  return body;
}

test('the first payload is made in place, the next is a copy that leaves the first as it was', () => {
  const body = filled(new BodyBuffers(), 'body');
  const first = surround('<first>', body, '!');
  const second = surround('<2>', body, '?');
  expect(String(first)).toBe('<first>body!');
  expect(String(second)).toBe('<2>body?');
  expect(first.buffer).toBe(body.buffer);
  expect(second.buffer).not.toBe(body.buffer);
});

test('a header that is longer than its room, and a body from elsewhere, are copied', () => {
  const head = 'h'.repeat(headroom + 1);
  expect(String(surround(head, filled(new BodyBuffers(), 'body'), '}'))).toBe(`${head}body}`);
  expect(String(surround('<', Buffer.from('body'), '>'))).toBe('<body>');
  expect(String(surround('<', 'body', '>'))).toBe('<body>');
});

test('what is given back is used again, up to the bound', () => {
  const buffers = new BodyBuffers(96 * 1024);
  const bodies = [29_000, 30_000, 31_000, 31_500].map((length) => buffers.take(length));
  for (const body of bodies) buffers.give(body);
  expect(buffers.kept).toBe(96 * 1024);
  const again = buffers.take(28_000);
  expect(bodies.some(({ buffer }) => buffer === again.buffer)).toBe(true);
  expect(again.length).toBe(28_000);
  expect(buffers.kept).toBe(64 * 1024);
  expect(surround('h', again, 't').buffer).toBe(again.buffer);
});

test('what a burst has left behind goes, and what is used stays', () => {
  const buffers = new BodyBuffers();
  const burst = Array.from({ length: 40 }, () => buffers.take(100_000));
  for (const body of burst) buffers.give(body);
  const after = buffers.kept;
  expect(after).toBeGreaterThan(4_000_000);
  let fresh = 0;
  for (let time = 0; time < 5000; time++) {
    const bodies = [buffers.take(100_000), buffers.take(100_000)];
    if (time > 0 && bodies.some(({ buffer }) => !burst.some((each) => each.buffer === buffer))) fresh++;
    for (const body of bodies) buffers.give(body);
  }
  expect(fresh).toBe(0);
  expect(buffers.kept).toBeLessThanOrEqual(after / 10);
  expect(buffers.kept).toBeGreaterThanOrEqual(200_000);
});
