import { IntervalSet } from '../../bench/load/interval-set.ts';
import type { InstrumentReport, OwnerReport, ReaderReport, ToldGap } from '../reader/report.ts';

/** Where every tick went that the broker's market made in the measured time; each is counted once, in this order. */
export interface Account {
  readonly made: number;
  /** Live and unmarked. */
  readonly live: number;
  /** Live, in batches marked `overlap` only. */
  readonly overlap: number;
  /** Accepted, and found in the stream only: the reader was away from Redis. */
  readonly stream: number;
  readonly late: number;
  /** Not received, in a stretch that the reader was told of. */
  readonly gap: number;
  /** None of these. */
  readonly untold: number;
  /** Live, unmarked, though they had come before; not part of the sum. */
  readonly repeated: number;
  /** Live batches of a former owner that came after one of its successor; not part of the sum. */
  readonly stale: number;
  /** Longest time without a live tick of the worst affected instrument, milliseconds. */
  readonly longestGap: number;
  /** Of that, between the seals of the batches around it. */
  readonly gapSealed: number;
  readonly worst: string;
  /** The same between a tick of one owner and the next one of another; 0 where no slice moved. */
  readonly moving: number;
  /** The same between ticks of one owner: what no move made, but the machine, Redis, the network or the reader. */
  readonly calm: number;
  /** Longest time between the last ticks of a slice's owner and the first of the next; 0 where no slice changed its owner. */
  readonly between: number;
}

export interface AccountingOptions {
  /** Ticks a second of each instrument. */
  readonly rate: number;
  /** Milliseconds after the reset and before the report that are left out: ticks on their way. */
  readonly margin: number;
  /** End of the measured time; the report's own when absent. A gap is told by the batch that ends it, which may come later. */
  readonly until?: number;
  /** Sets that are looked at; all when absent. */
  readonly sets?: readonly string[];
}

/** Milliseconds by which a told stretch may miss the broker's own time of a tick: a tick's phase, and its way. */
const slack = 150;
const day = 86_400_000;

/** Accounts for every tick of the instruments that the reader knows, of these sets. */
export function account(report: ReaderReport, options: AccountingOptions): Account {
  const sum = { made: 0, live: 0, overlap: 0, stream: 0, late: 0, gap: 0, untold: 0, repeated: 0 };
  let longestGap = 0;
  let gapSealed = 0;
  let worst = '';
  let moving = 0;
  let calm = 0;
  const period = 1000 / options.rate;
  const midnight = report.since - (report.since % day);
  const first = Math.ceil((report.since + options.margin - midnight) / period);
  const end = Math.floor(((options.until ?? report.now) - options.margin - midnight) / period);
  for (const instrument of report.instruments) {
    if (options.sets?.includes(instrument.set) === false) continue;
    const gaps = report.gaps.filter(({ set }) => set === instrument.set);
    const timeOf = (number: number): number => midnight + (number + 1) * period;
    if (instrument.numbered)
      add(sum, instrument, first, end, (number, last) => told(gaps, timeOf(number), timeOf(last)));
    moving = Math.max(moving, instrument.movingGap);
    calm = Math.max(calm, instrument.stayingGap);
    if (instrument.longestGap > longestGap) {
      ({ longestGap, gapSealed } = instrument);
      worst = `${instrument.set} ${instrument.token}`;
    }
  }
  const between = betweenOwners(report.owners);
  return { ...sum, stale: report.stale, longestGap, gapSealed, worst, moving, calm, between };
}

function betweenOwners(owners: readonly OwnerReport[]): number {
  let longest = 0;
  owners.forEach(({ slice, first }, at) => {
    const before = owners.slice(0, at).findLast((each) => each.slice === slice);
    if (before !== undefined) longest = Math.max(longest, first - before.last);
  });
  return longest;
}

type Sum = Record<'made' | 'live' | 'overlap' | 'stream' | 'late' | 'gap' | 'untold' | 'repeated', number>;

function add(
  sum: Sum,
  each: InstrumentReport,
  first: number,
  end: number,
  isTold: (number: number, lastMissing: number) => boolean,
): void {
  const [live, overlap, stream, late] = [each.live, each.overlap, each.stream, each.late].map(
    (ranges) => new IntervalSet(ranges),
  );
  sum.repeated += each.repeated;
  const missing = new IntervalSet();
  for (let number = first; number < end; number++) {
    sum.made++;
    if (live?.has(number)) sum.live++;
    else if (overlap?.has(number)) sum.overlap++;
    else if (stream?.has(number)) sum.stream++;
    else if (late?.has(number)) sum.late++;
    else missing.add(number);
  }
  for (let i = 0; i < missing.edges.length; i += 2) {
    const [from = 0, to = 0] = missing.edges.slice(i, i + 2);
    for (let number = from; number < to; number++) {
      if (isTold(number, to - 1)) sum.gap++;
      else sum.untold++;
    }
  }
}

/** @param last when the last of the ticks was made that are missing in a row with this one */
function told(gaps: readonly ToldGap[], time: number, last: number): boolean {
  return gaps.some(({ from, to, open }) => (open ? last : time) >= from - slack && time <= to + slack);
}
