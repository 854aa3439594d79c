import { setTimeout as delay } from 'node:timers/promises';
import { recovered } from '../lab/desk.ts';
import { rate } from '../lab/lab.ts';
import { readReport, resetReader } from '../lab/reader.ts';
import { type Account, account } from './accounting.ts';
import type { Case } from './cases.ts';

/** Milliseconds of quiet before and after, and of what is on its way at both ends. */
const before = 2000;
const after = 4000;
const margin = 1500;

/** Lets a case happen while ticks flow, waits until everything has recovered, and accounts for every tick. */
export async function measure({ happen }: Pick<Case, 'happen'>): Promise<Account> {
  await recovered();
  await resetReader();
  await delay(before);
  await happen();
  await recovered();
  await delay(after);
  return account(await readReport(), { rate, margin });
}
