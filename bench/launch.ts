import { join } from 'node:path';

/** What the image and bin/ticker-operator start Node with, and so what is measured: options, and environment. */
export const nodeOptions: readonly string[] = ['--max-semi-space-size=4', '--heap-growing-percent=50'];
export const nodeEnvironment: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '1' };

/**
 * For processes that start again and again from the same sources: where Node keeps what it has compiled, so that the next ones
 * need half as long to start. (https://nodejs.org/api/module.html#module-compile-cache)
 */
export const keptBytecode: Readonly<Record<string, string>> = {
  NODE_COMPILE_CACHE: join(import.meta.dirname, '..', '.cache', 'bytecode'),
};
