import { applyDesk, clearDesk, waitReady } from '../lab/desk.ts';
import { imagesFromEnvironment, install, uninstall } from '../lab/lab.ts';
import { collectLogs } from '../lab/logs.ts';
import { ownNodes } from '../lab/nodes.ts';
import type { Account } from './accounting.ts';
import { cases } from './cases.ts';
import { measure } from './measure.ts';
import { json, type Outcome, table } from './table.ts';

/**
 * Measures how long ticks are away when something dies, by the clock of a reader in the cluster, and accounts for every tick.
 * Environment: N repetitions of each case, ONLY names or parts of names (a, or a|b), LONG seconds of the long cases. Ends with 1 where a tick is
 * unaccounted for, where two owners were live, or where a case could not be run.
 */
const repetitions = Number(process.env['N'] ?? 10);
const only = process.env['ONLY'] ?? '';
const whole = new Set(cases.map(({ name }) => name));
const matches = (name: string, part: string): boolean => (whole.has(part) ? name === part : name.includes(part));
const chosen = cases.filter(({ name }) => only.split('|').some((part) => matches(name, part)));
const left = chosen.filter(({ breaksNodes }) => breaksNodes && !ownNodes);
if (left.length > 0) console.error(`not on a cluster of others: ${left.map(({ name }) => name).join(', ')}`);

await install(imagesFromEnvironment());
await clearDesk();
await applyDesk();
const outcomes: Outcome[] = [];
for (const each of chosen.filter((each) => !left.includes(each))) {
  const accounts: Account[] = [];
  const failures: string[] = [];
  for (let turn = 1; turn <= repetitions; turn++) {
    const started = performance.now();
    try {
      const result = await measure(each);
      accounts.push(result);
      const took = Math.round((performance.now() - started) / 1000);
      console.error(`${each.name} ${turn}/${repetitions}: ${lineOf(result)}; took ${took} s`);
    } catch (error) {
      failures.push(String(error));
      console.error(`${each.name} ${turn}/${repetitions}: ${error}`);
      await waitReady(300).catch(() => undefined);
    }
  }
  outcomes.push({ name: each.name, goal: each.goal, accounts, failures });
}
await collectLogs(process.env['E2E_LOGS'] ?? '.cache/e2e-logs');
if (ownNodes) await clearDesk();
else await uninstall();
console.log(table(outcomes));
console.log(json(outcomes));
const wrong = outcomes.some(
  ({ accounts, failures }) => failures.length > 0 || accounts.some(({ untold, stale }) => untold + stale > 0),
);
process.exitCode = wrong || outcomes.length === 0 ? 1 : 0;

function lineOf({ longestGap, gapSealed, worst, moving, between, calm, untold, stale }: Account): string {
  const parts = [`sealed ${Math.round(gapSealed)} ms apart`, `in a move ${moving} ms, else ${calm} ms`];
  if (between > 0) parts.push(`owners ${between} ms apart`);
  return `gap ${longestGap} ms (${worst}; ${parts.join('; ')}), untold ${untold}, stale ${stale}`;
}
