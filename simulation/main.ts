import { availableParallelism } from 'node:os';
import { campaign, replayCommand, sight } from './campaign.ts';
import { faults } from './faults.ts';
import { mutations } from './mutations.ts';
import type { FaultRates } from './schedule.ts';
import { shrink } from './shrink.ts';
import { type SimulationOptions, type SimulationResult, simulate } from './simulate.ts';

/**
 * Seeds (`SEEDS`, from `START` on) over all cores, or one (`SEED`) with its trace (`TRACE=1`), some faults (`FAULTS`) or
 * some strikes (`STRIKES`); `SHRINK=1` looks for the fewest strikes that make it fail; `MUTATIONS=16` shows within how many
 * seeds, of that many, each deliberate bug is seen.
 */
async function main(settings: NodeJS.ProcessEnv): Promise<void> {
  // `make` passes what was not said as nothing.
  const said = (name: string): string | undefined => settings[name] || undefined;
  if (said('MUTATIONS') !== undefined) return await showMutations(number(said('MUTATIONS') ?? '', 'MUTATIONS'));
  const SEED = said('SEED');
  const sums = { seeds: 0, violations: 0, faults: 0, tampered: 0, seconds: 0, fewest: Number.POSITIVE_INFINITY };
  const started = performance.now();
  const elapsed = (): number => (performance.now() - started) / 1000;
  const tell = (result: SimulationResult): void => {
    sums.seeds++;
    sums.violations += result.violations.length;
    sums.faults += result.strikes.length;
    sums.tampered += result.tampered;
    sums.seconds += result.virtualSeconds;
    sums.fewest = Math.min(sums.fewest, result.strikes.length);
    for (const violation of result.violations) show(`seed ${result.seed}: ${violation}`);
    if (result.violations.length > 0) show(`  replay: ${replayCommand(result.seed)}`);
    if (sums.seeds % progressEvery === 0) {
      show(`${sums.seeds} seeds, ${sums.violations} violations, ${elapsed().toFixed(0)} s`);
    }
  };
  if (SEED !== undefined) {
    const rates = said('FAULTS') === undefined ? undefined : faultRates(said('FAULTS') ?? '');
    const strikes = said('STRIKES')
      ?.split(',')
      .map((id) => number(id, 'STRIKES'));
    const options: SimulationOptions = {
      seed: number(SEED, 'SEED'),
      ...(said('TRACE') === '1' ? { write: show } : {}),
      ...(rates === undefined ? {} : { faults: rates }),
      ...(strikes === undefined ? {} : { strikes: new Set(strikes) }),
    };
    if (said('SHRINK') === '1') return await showShrunk(options);
    tell(await simulate(options));
  } else {
    const first = number(said('START') ?? '1', 'START');
    const seeds = Array.from({ length: number(said('SEEDS') ?? '200', 'SEEDS') }, (_, index) => first + index);
    await campaign(seeds, availableParallelism(), tell);
  }
  const real = elapsed();
  const { seeds, violations, faults: struck, tampered, seconds, fewest } = sums;
  show(
    `took ${real.toFixed(1)} s: ${Math.round(seconds / real)} times as fast as time, ${((seeds / real) * 60).toFixed(0)} seeds a minute`,
  );
  show(`at least ${fewest} faults a seed, and ${tampered} calls and events tampered with in all`);
  show(`at most ${Math.round(process.resourceUsage().maxRSS / 1024)} MB of memory`);
  show(
    `simulate: seeds=${seeds} violations=${violations} faults=${struck} virtual_hours=${(seconds / 3600).toFixed(1)}`,
  );
  process.exitCode = violations > 0 ? 1 : 0;
}

/** Seeds after which a campaign says how far it is. */
const progressEvery = 500;

/** What each deliberate bug is seen as, and within how many seeds of at most so many. */
async function showMutations(most: number): Promise<void> {
  show('| bug | seeds | seen first as |\n| --- | --- | --- |');
  for (const mutation of mutations) {
    const { seeds, violation } = await sight(mutation, most);
    show(`| ${mutation.name} | ${seeds ?? `none of ${most}`} | ${violation?.replace(/^at [\d.]+ s: /, '') ?? ''} |`);
    if (seeds === undefined) process.exitCode = 1;
  }
}

/** The fewest strikes that bring the seed's violation about, and how to see them. */
async function showShrunk(options: SimulationOptions): Promise<void> {
  const shrunk = await shrink(options);
  if (shrunk === undefined) {
    show(`seed ${options.seed} does not fail`);
    return;
  }
  const { strikes, violation, runs } = shrunk;
  show(`${violation}\nwith ${strikes.length} strikes, found in ${runs} runs; replay:`);
  show(`  make simulate SEED=${options.seed} STRIKES=${strikes.join(',')} TRACE=1`);
  process.exitCode = 1;
}

/** `name,name:30`: faults that may strike, with how often an hour where that is not as usual. */
function faultRates(text: string): FaultRates {
  const rates = new Map<string, number | undefined>();
  for (const entry of text.split(',').filter((each) => each !== '')) {
    const [name = '', rate] = entry.split(':');
    if (!faults.some((fault) => fault.name === name)) {
      throw new Error(`no fault is named ${name}; there are ${faults.map((fault) => fault.name).join(', ')}`);
    }
    rates.set(name, rate === undefined ? undefined : number(rate, 'the rate of a fault'));
  }
  return rates;
}

function number(text: string, name: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${name} must be a whole number, not ${text}`);
  return value;
}

function show(line: string): void {
  process.stdout.write(`${line}\n`);
}

await main(process.env);
