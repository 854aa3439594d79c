import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { balanced, recovered } from '../lab/desk.ts';
import { desk, rate } from '../lab/lab.ts';
import { collectLogs } from '../lab/logs.ts';
import { list } from '../lab/objects.ts';
import { readReport, resetReader } from '../lab/reader.ts';
import type { ReaderReport } from '../reader/report.ts';
import { type Account, account } from './accounting.ts';
import type { Case } from './case.ts';
import { freshPods } from './preparation.ts';

/** What is kept of a run in which ticks were not accounted for, away for longer than is asked, or not live where all should be. */
const evidence = '.cache/e2e-evidence';

/** Milliseconds of quiet before and after, and of what is on its way at both ends. */
const before = 2000;
const after = 2500;
const margin = 1500;
/** Milliseconds that the batch may take which tells of a gap. */
const told = 30_000;

export interface Measured extends Pick<Case, 'name' | 'happen'>, Partial<Pick<Case, 'goal' | 'prepare'>> {
  /** Readers of the sets that stay should see nothing of it. */
  readonly unseen?: true;
}

/** Lets a case happen while ticks flow, waits until everything has recovered, and accounts for every tick of the sets that stay. */
export async function measure(measured: Measured): Promise<Account> {
  await recovered();
  await freshPods();
  await recovered();
  await balanced();
  const restore = await measured.prepare?.();
  try {
    return await measurePrepared(measured);
  } finally {
    await restore?.();
  }
}

async function measurePrepared({ name, happen, goal, unseen }: Measured): Promise<Account> {
  await recovered();
  const there = await setNames();
  await resetReader();
  await delay(before);
  await happen();
  await recovered();
  await delay(after);
  // The reader may still know instruments of sets that were there a moment ago, or have gone meanwhile.
  const stayed = new Set(await setNames());
  const sets = there.filter((each) => stayed.has(each));
  let report = await readReport();
  const until = report.now;
  let result = account(report, { rate, margin, until, sets });
  while (result.untold > 0 && report.now < until + told) {
    await delay(1000);
    report = await readReport();
    result = account(report, { rate, margin, until, sets });
  }
  const missed =
    (typeof goal === 'number' && result.longestGap > goal) || (unseen === true && result.live < result.made);
  if (result.untold + result.stale > 0 || missed) await keepEvidence(name, report);
  return result;
}

async function setNames(): Promise<string[]> {
  return (await list('instrumentset', desk)).map(({ metadata }) => `${desk}/${metadata.name}`);
}

/** The reader's report, and the logs as they are now: what a defect is found by. */
async function keepEvidence(name: string, report: ReaderReport): Promise<void> {
  const folder = join(evidence, `${name}-${report.now}`);
  await mkdir(folder, { recursive: true });
  await collectLogs(join(folder, 'logs'));
  await writeFile(join(folder, 'report.json'), JSON.stringify(report));
}
