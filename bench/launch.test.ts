import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { nodeOptions } from './rig.ts';

test.each(['../../Dockerfile', '../../bin/ticker-operator'])(
  '%s starts Node as the shard is measured with',
  async (file) => {
    const text = await readFile(new URL(file, import.meta.url), 'utf8');
    for (const option of nodeOptions) expect(text).toContain(option);
  },
);
