import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A script that Redis runs whole and alone, so that a call is accepted and written in one step, or not at all. */
export interface Script {
  readonly name: string;
  readonly source: string;
  /** What EVALSHA calls it by. */
  readonly sha: string;
}

const shared = readFileSync(new URL('fence.lua', import.meta.url), 'utf8');

function load(name: string): Script {
  const source = `${shared}\n${readFileSync(new URL(`${name}.lua`, import.meta.url), 'utf8')}`;
  return { name, source, sha: createHash('sha1').update(source).digest('hex') };
}

export const claimScript = load('claim');
export const sendScript = load('send');
export const sendLateScript = load('send-late');
export const endScript = load('end');
export const markScript = load('mark');
export const allScripts = [claimScript, sendScript, sendLateScript, endScript, markScript];
