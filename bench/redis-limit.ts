import { spawnSync } from 'node:child_process';
import { startRedis } from '../ticker/sinks/redis/redis-server.testing.ts';

/** Batches of one kind a second that `redis-benchmark` gets through one connection, without any script: the sink's limit. */
export async function redisLimit(bytes: number, batches: number): Promise<number> {
  const redis = await startRedis();
  try {
    const command = [
      '-p',
      String(redis.port),
      '-n',
      String(batches),
      '-c',
      '1',
      '-P',
      '4',
      '--csv',
      '-x',
      'PUBLISH',
      'c',
    ];
    const { status, stdout, stderr } = spawnSync('redis-benchmark', command, {
      input: Buffer.alloc(bytes, '0'),
      encoding: 'utf8',
    });
    const rate = Number(/^"PUBLISH[^"]*","([\d.]+)"/m.exec(stdout)?.[1]);
    if (status !== 0 || !(rate > 0)) throw new Error(`redis-benchmark failed: ${stderr}${stdout.slice(0, 300)}`);
    return rate;
  } finally {
    await redis.stop();
  }
}
