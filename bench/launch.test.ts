import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { nodeEnvironment, nodeOptions } from './launch.ts';

test.each(['../Dockerfile', '../bin/ticker-operator'])('%s starts Node as the shard is measured with', async (file) => {
  const text = await readFile(new URL(file, import.meta.url), 'utf8');
  for (const option of nodeOptions) expect(text).toContain(option);
  for (const [name, value] of Object.entries(nodeEnvironment)) expect(text).toContain(`${name}=${value}`);
});
