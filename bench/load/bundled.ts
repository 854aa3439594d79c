import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { leavesFolder } from './leftovers.ts';

const run = promisify(execFile);
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/**
 * Calls `act` with the shard's program bundled as it is for the image: read from its sources a process would hold a
 * compiler of TypeScript as well.
 */
export async function withBundle<T>(act: (program: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'load-bundle-'));
  const forget = leavesFolder(folder);
  try {
    await run(process.execPath, [here('../../scripts/bundle.ts'), folder, here('shard.ts')]);
    return await act(join(folder, 'dist', 'shard.js'));
  } finally {
    await rm(folder, { recursive: true, force: true });
    forget();
  }
}
