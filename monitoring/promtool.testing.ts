import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { programPath } from './programs.ts';

/** Series → values, in promtool's notation with one value a minute: `0+60x30`, `1x30`. */
export type World = Readonly<Record<string, string>>;

export interface Moment {
  readonly what: string;
  readonly world: World;
  /** E.g. `35m`. */
  readonly at: string;
  /** Expression → every sample that it gives, as text of labels (`{severity="critical"}`) and value. */
  readonly expect: Readonly<Record<string, readonly { readonly labels: string; readonly value: number }[]>>;
}

/** Runs `promtool test rules` on these moments. @returns what it printed about those that are not as expected; '' where all are */
export function promtoolTest(ruleFiles: readonly string[], moments: readonly Moment[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'ticker-rules-'));
  const file = join(folder, 'test.yaml');
  const tests = moments.map(({ what, world, at, expect }) => ({
    name: what,
    interval: '1m',
    input_series: Object.entries(world).map(([series, values]) => ({ series, values })),
    promql_expr_test: Object.entries(expect).map(([expr, samples]) => ({
      expr,
      eval_time: at,
      exp_samples: samples,
    })),
  }));
  try {
    writeFileSync(file, stringify({ rule_files: ruleFiles, evaluation_interval: '1m', tests }));
    return run(['test', 'rules', file]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What promtool says of these arguments where it fails, else ''. */
export function promtoolComplaint(args: readonly string[]): string {
  return run(args);
}

function run(args: readonly string[]): string {
  try {
    execFileSync(programPath('prometheus', 'promtool'), [...args], { encoding: 'utf8', stdio: 'pipe' });
    return '';
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    return `${stdout}${stderr}`.trim() || message;
  }
}
