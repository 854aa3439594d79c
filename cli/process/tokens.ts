import { BearerTokens } from '../../runtime/bearer-tokens.ts';
import type { ProcessHost } from './host.ts';

/** Bearer tokens of a file that an option names; undefined where it names none. @throws TOKEN_FILE_UNREADABLE */
export async function tokensOf(
  file: string | undefined,
  { clock, log }: ProcessHost,
): Promise<BearerTokens | undefined> {
  if (file === undefined) return undefined;
  const tokens = new BearerTokens(file, clock, log);
  await tokens.load();
  return tokens;
}
