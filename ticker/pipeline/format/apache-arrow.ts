import { createRequire } from 'node:module';

/** The library, and its message metadata, which its entry point does not export. */
export interface ApacheArrow {
  readonly arrow: typeof import('apache-arrow');
  readonly message: typeof import('apache-arrow/ipc/metadata/message');
}

const require = createRequire(import.meta.url);
let loaded: ApacheArrow | undefined;

/** Loads the library when it is first asked for: a process that serves no set of format `arrow` never has it. */
export function loadApacheArrow(): ApacheArrow {
  loaded ??= { arrow: require('apache-arrow'), message: require('apache-arrow/ipc/metadata/message') };
  return loaded;
}
