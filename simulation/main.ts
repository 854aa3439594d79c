import { availableParallelism } from 'node:os';
import { campaign, replayCommand } from './campaign.ts';
import { faults } from './faults.ts';
import { type SimulationResult, simulate } from './simulate.ts';

/** Seeds (`SEEDS`, from `START` on) over all cores, or one (`SEED`) with its trace (`TRACE=1`) and some faults (`FAULTS`). */
async function main(settings: NodeJS.ProcessEnv): Promise<void> {
  // `make` passes what was not said as nothing.
  const said = (name: string): string | undefined => settings[name] || undefined;
  const SEED = said('SEED');
  const results: SimulationResult[] = [];
  const tell = (result: SimulationResult): void => {
    results.push(result);
    for (const violation of result.violations) show(`seed ${result.seed}: ${violation}`);
    if (result.violations.length > 0) show(`  replay: ${replayCommand(result.seed)}`);
  };
  if (SEED !== undefined) {
    const chosen = settings['FAULTS'] === '' ? undefined : settings['FAULTS']?.split(',');
    const unknown = chosen?.find((name) => name !== '' && !faults.some((fault) => fault.name === name));
    if (unknown !== undefined) {
      throw new Error(`no fault is named ${unknown}; there are ${faults.map(({ name }) => name).join(', ')}`);
    }
    const trace = said('TRACE') === '1' ? { write: show } : {};
    tell(await simulate({ seed: number(SEED, 'SEED'), ...trace, ...(chosen === undefined ? {} : { faults: chosen }) }));
  } else {
    const first = number(said('START') ?? '1', 'START');
    const seeds = Array.from({ length: number(said('SEEDS') ?? '200', 'SEEDS') }, (_, index) => first + index);
    await campaign(seeds, availableParallelism(), tell);
  }
  const sum = (pick: (result: SimulationResult) => number): number =>
    results.reduce((all, each) => all + pick(each), 0);
  const violations = sum((result) => result.violations.length);
  const hours = (sum(({ virtualSeconds }) => virtualSeconds) / 3600).toFixed(1);
  const struck = sum((result) => result.faults);
  show(`simulate: seeds=${results.length} violations=${violations} faults=${struck} virtual_hours=${hours}`);
  process.exitCode = violations > 0 ? 1 : 0;
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
