import { randomUUID } from 'node:crypto';
import type { ShardIdentity } from '../crds/index.ts';
import { describeError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/log.ts';
import { DiskFiles } from '../ticker/shard/spool/disk-files.ts';

const file = 'identity.json';

/**
 * Who a shard of this process is. With a directory it is the same at each start, as a pod is for the containers that are
 * restarted in it, so that what is left there is its own.
 */
export async function shardIdentity(shard: string, directory: string | undefined, log: Logger): Promise<ShardIdentity> {
  const fresh = { shard, uid: randomUUID() };
  if (directory === undefined) return fresh;
  const files = new DiskFiles(directory);
  try {
    if ((await files.list()).includes(file)) {
      const known: unknown = JSON.parse(new TextDecoder().decode(await files.read(file)));
      if (typeof known === 'object' && known !== null && 'uid' in known && typeof known.uid === 'string') {
        return { shard, uid: known.uid };
      }
    }
    await files.replace(file, new TextEncoder().encode(JSON.stringify(fresh)));
  } catch (error) {
    log.error({ event: 'spool.identityNotKept', shard, error: describeError(error) }, 'nothing outlives this process');
  }
  return fresh;
}
