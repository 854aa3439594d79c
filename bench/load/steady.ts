import { closeAccount } from './accounting.ts';
import type { FeedPlan } from './messages.ts';
import { type Outcome, outcome, type Size } from './outcome.ts';
import { Rig, type RigOptions } from './rig.ts';

/** Ticks at a rate, for a time. */
interface Phase {
  /** Ticks a second. */
  readonly rate: number;
  readonly seconds: number;
}

interface Steady {
  readonly plan: FeedPlan;
  readonly phases: readonly Phase[];
}

const full = (instruments: number): FeedPlan => ({ instruments, mode: 'full' });

/** Scenarios in which nothing fails. */
export const steady: Readonly<Record<'baseline' | 'scale' | 'burst' | 'sustained', Record<Size, Steady>>> = {
  baseline: {
    full: { plan: full(1_000), phases: [{ rate: 2_000, seconds: 30 }] },
    quick: { plan: full(1_000), phases: [{ rate: 2_000, seconds: 1.5 }] },
    short: { plan: full(1_000), phases: [{ rate: 4_000, seconds: 1 }] },
  },
  scale: {
    full: { plan: full(5_000), phases: [{ rate: 10_000, seconds: 30 }] },
    quick: { plan: full(5_000), phases: [{ rate: 10_000, seconds: 1.5 }] },
    short: { plan: full(5_000), phases: [{ rate: 10_000, seconds: 1 }] },
  },
  burst: {
    full: { plan: full(1_000), phases: bursts(10) },
    quick: { plan: full(1_000), phases: bursts(0.4) },
    short: { plan: full(1_000), phases: bursts(0.2) },
  },
  sustained: {
    full: { plan: full(1_000), phases: [{ rate: 5_000, seconds: 600 }] },
    quick: { plan: full(1_000), phases: [{ rate: 5_000, seconds: 2 }] },
    short: { plan: full(1_000), phases: [{ rate: 5_000, seconds: 2 }] },
  },
};

/** 10,000 ticks a second on top of the baseline's 2,000, and one ten times bigger. */
function bursts(seconds: number): Phase[] {
  const calm = { rate: 2_000, seconds };
  return [calm, { rate: 12_000, seconds }, calm, { rate: 102_000, seconds }, calm];
}

export async function runSteady(
  name: keyof typeof steady,
  size: Size,
  options: Partial<RigOptions> = {},
): Promise<Outcome> {
  const { plan, phases } = steady[name][size];
  const rig = await Rig.start({ plan, ...options });
  try {
    await rig.startShard();
    const before = await rig.report();
    for (const { rate, seconds } of phases) await rig.stream(rate, Math.round(rate * seconds));
    await rig.settle();
    const after = await rig.report(true);
    const [streams, pubsub] = await Promise.all([rig.read(rig.streams), rig.read(rig.pubsub)]);
    const { ledger } = rig;
    const account = closeAccount({ ranges: await rig.ranges(), shards: [after], ledger, streams, pubsub });
    return outcome(name, describe(plan, phases), account, streams, before, after);
  } finally {
    await rig.stop();
  }
}

function describe({ instruments, mode }: FeedPlan, phases: readonly Phase[]): string {
  const rates = phases.map(({ rate, seconds }) => `${rate.toLocaleString('en-US')}/s for ${seconds} s`).join(', ');
  return `${instruments.toLocaleString('en-US')} options in ${mode}, ${rates}`;
}
