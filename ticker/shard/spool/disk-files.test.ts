import { createHook } from 'node:async_hooks';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DiskFiles } from './disk-files.ts';

let directory: string;
let files: DiskFiles;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spool-'));
  files = new DiskFiles(directory);
  await files.list();
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('what is appended is there, in order, and can be read in parts', async () => {
  await files.append('a', Uint8Array.of(1, 2, 3));
  await files.append('a', new Uint8Array(0), true);
  await files.append('a', Uint8Array.of(4, 5), true);
  expect([...(await files.read('a'))]).toEqual([1, 2, 3, 4, 5]);
  expect([...(await files.readAt('a', 3, 10))]).toEqual([4, 5]);
});

test('however much is appended, it takes a handful of turns of the event loop', async () => {
  const bytes = Buffer.alloc(16 * 1024 * 1024, 'spool');
  let requests = 0;
  const hook = createHook({
    init: (_, type) => {
      if (type === 'FSREQPROMISE') requests++;
    },
  }).enable();
  try {
    await files.append('a', bytes);
  } finally {
    hook.disable();
  }
  // To open, to write and to close; a kernel may take less than all of it at once.
  expect(requests).toBeGreaterThanOrEqual(2);
  expect(requests).toBeLessThanOrEqual(6);
  expect(Buffer.compare(await files.read('a'), bytes)).toBe(0);
});
