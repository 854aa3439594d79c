import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** Modules of the library that a process has after importing `modules` and running `then`. */
async function loaded(modules: readonly string[], then: string): Promise<number> {
  const imports = modules.map(
    (name) =>
      `import * as ${/\w+/.exec(name.replaceAll(/[^a-z]/g, ''))![0]} from '${new URL(name, import.meta.url).href}';`,
  );
  const count = `console.log(Object.keys(createRequire(import.meta.url).cache).filter((file) => file.includes('apache-arrow')).length);`;
  const script = `import { createRequire } from 'node:module';\n${imports.join('\n')}\n${then}\n${count}`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  return Number(stdout);
}

test('a process that serves no set in Arrow does not load the library', async () => {
  const everything = ['../../../cli/standalone-process.ts', './encoders.ts'];
  expect(await loaded(everything, `new encodersts.Encoders().of('json');`)).toBe(0);
  expect(await loaded(['./encoders.ts'], `new encodersts.Encoders().of('arrow');`)).toBeGreaterThan(0);
});
