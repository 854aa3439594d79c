import { type Clock, sleep, systemClock } from '../runtime/clock.ts';
import { defineError, describeError } from '../runtime/errors.ts';
import { rows } from '../ticker/pipeline/format/read.ts';
import { parsePayload } from '../ticker/pipeline/format/read-arrow.ts';
import { namespacedName, wholeNumber } from './options.ts';
import { formatRow, printedRow } from './print-ticks.ts';
import type { RedisCliOptions } from './redis-options.ts';
import { GatewaySource, RedisSource, type TickSource } from './tick-source.ts';

const noTick = defineError(
  'AWAIT_NO_TICK',
  'terminal',
  "'kubectl get ta,iset,subs --all-namespaces' says how accounts and sets stand, and their conditions why.",
);

interface Options extends RedisCliOptions {
  readonly gateway: string;
  readonly tokenFile?: string;
  readonly timeout: string;
}

/** Sets that are listened to at once, where none is named. */
const mostSets = 20;
/** Milliseconds between looks at which sets there are. */
const lookEvery = 500;

/** Waits for one tick and prints it. @throws AWAIT_NO_TICK saying what there was instead */
export async function awaitTickCommand(set: string | undefined, options: Options): Promise<void> {
  const seconds = wholeNumber(options.timeout, '--timeout', 1, 86_400);
  const wanted = set === undefined ? undefined : namespacedName(set);
  const name = wanted && `${wanted.namespace}/${wanted.name}`;
  const source = options.redis === undefined ? new GatewaySource(options) : await RedisSource.open(options);
  try {
    const line = await awaitTick(source, name, seconds * 1000, systemClock);
    console.log(line);
  } finally {
    await source.close();
  }
}

/**
 * One tick of the set, or of any: as a line for a person.
 * @param timeout milliseconds
 * @throws AWAIT_NO_TICK
 */
export async function awaitTick(
  source: TickSource,
  wanted: string | undefined,
  timeout: number,
  clock: Clock,
): Promise<string> {
  const started = clock.monotonic();
  const done = new AbortController();
  const heard = new Map<string, number>();
  const open = new Map<string, () => Promise<void>>();
  let line: string | undefined;
  let problem: string | undefined;
  const receive = (set: string, payload: string | Uint8Array): void => {
    if (typeof payload === 'string' && !payload.startsWith('{"v":')) return;
    const batch = parsePayload(payload);
    heard.set(set, (heard.get(set) ?? 0) + 1);
    const [first] = rows(batch);
    if (first === undefined || line !== undefined) return;
    const after = ((clock.monotonic() - started) / 1000).toFixed(1);
    line = `a tick of ${set} after ${after} s:\n${formatRow(printedRow.parse(first), batch.header.time)}`;
    done.abort();
  };
  const look = async (): Promise<void> => {
    const sets = wanted === undefined ? (await source.sets()).slice(0, mostSets) : [wanted];
    for (const set of sets) {
      if (open.has(set)) continue;
      const gone = (): void => void open.delete(set);
      open.set(set, await source.listen(set, (payload) => receive(set, payload), gone));
    }
  };
  while (!done.signal.aborted && clock.monotonic() - started < timeout) {
    problem = await look().then(() => undefined, describeError);
    await sleep(clock, lookEvery, done.signal);
  }
  await Promise.all([...open.values()].map((close) => close()));
  if (line === undefined)
    throw noTick(`no tick within ${timeout / 1000} s: ${reason(problem, [...heard.keys()], [...open.keys()])}`);
  return line;
}

function reason(problem: string | undefined, heard: readonly string[], open: readonly string[]): string {
  if (problem !== undefined) return problem;
  if (heard.length > 0) return `${heard.join(', ')} sent heartbeats only. Is the market open?`;
  if (open.length > 0) return `nothing came of ${open.join(', ')}`;
  return "there is no set yet. Apply a TickerAccount and an InstrumentSet, e.g. 'kubectl apply -f samples/'";
}
