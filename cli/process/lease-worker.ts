import { parentPort, workerData } from 'node:worker_threads';
import { LeaseHolder } from '../../cluster/lease.ts';
import { type Clock, sleep, systemClock } from '../../runtime/clock.ts';
import { createLogger, LogThreshold } from '../../runtime/log.ts';
import { connectCluster } from './connect.ts';
import type { FromLeaseThread, LeaseThreadData, ToLeaseThread } from './lease-messages.ts';

/**
 * The thread that renews a shard's lease: with a connection of its own, so that it waits behind nothing, and only while
 * the main loop has just answered, so that a process that hangs becomes suspect (ownership protocol, section 5).
 */
const askInterval = 250;
/** Milliseconds after which an answer of the main loop is too old to renew on. */
const answeredWithin = 1_000;
/** Milliseconds that one request may take: the next renewal is due by then. */
const requestTimeout = 2_000;

const { lease, kubeconfig, logLevel } = workerData as LeaseThreadData;
const port = parentPort;
if (port === null) throw new Error('this is a worker thread of the shard, and nothing to start by itself');
const clock: Clock = systemClock;
const threshold = new LogThreshold(logLevel);
const log = createLogger(threshold).child({ shard: lease.name });
const { cluster, random } = await connectCluster({ kubeconfig, requestTimeout, name: 'ticker-operator-lease' });

let answered = Number.NEGATIVE_INFINITY;
const holder = new LeaseHolder({
  cluster,
  clock,
  random: random.fork('lease'),
  log,
  ...lease,
  healthy: () => clock.monotonic() - answered <= answeredWithin,
});
const say = (message: FromLeaseThread): void => port.postMessage(message);
const stop = new AbortController();

port.on('message', (message: ToLeaseThread) => {
  if (message.kind === 'alive') answered = Math.max(answered, message.asked);
  else if (message.kind === 'level') threshold.level = message.level;
  else void act(message).then(() => say({ kind: 'done', id: message.id }));
});

/** Never rejects: the holder logs what fails and tries it again. */
async function act(message: Exclude<ToLeaseThread, { kind: 'alive' | 'level' }>): Promise<void> {
  if (message.kind === 'annotate') return holder.annotate(message.key, message.value);
  stop.abort();
  return holder.release();
}

async function ask(): Promise<void> {
  let told: number | undefined;
  while (!stop.signal.aborted) {
    say({ kind: 'ask', asked: clock.monotonic() });
    if (holder.lastRenewal !== told) say({ kind: 'renewed' });
    told = holder.lastRenewal;
    await sleep(clock, askInterval, stop.signal);
  }
}

await Promise.all([ask(), holder.run(stop.signal)]);
