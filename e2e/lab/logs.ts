import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kubectl } from './kubectl.ts';
import { desk, system } from './lab.ts';
import { pods } from './objects.ts';

const kinds = 'pods,statefulsets,deployments,leases,tickeraccounts,instrumentsets,subscriptionslices,events';

/** Objects and logs of every pod, also of containers that ended, as files in a folder. */
export async function collectLogs(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const save = async (name: string, args: readonly string[]): Promise<void> => {
    const text = await kubectl(args).catch((error: unknown) => String(error));
    await writeFile(join(folder, name), text);
  };
  for (const namespace of [system, desk])
    await save(`${namespace}.yaml`, ['get', kinds, '-n', namespace, '-o', 'yaml']);
  for (const { name, restarts } of await pods(system, '').catch(() => [])) {
    await save(`${name}.log`, ['logs', name, '-n', system, '--all-containers']);
    if (restarts > 0) await save(`${name}.before.log`, ['logs', name, '-n', system, '--all-containers', '--previous']);
  }
}
