import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const build = join(import.meta.dirname, 'programs', 'build');

/** Path of a program that `scripts/setup prometheus` builds. @throws where it has not been built, saying how */
export function programPath(module: 'prometheus' | 'alertmanager' | 'prometheus-operator', program: string): string {
  return join(
    execFileSync(build, ['--path', module], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim(),
    program,
  );
}
