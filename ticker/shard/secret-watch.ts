import type { Cluster, ObjectName } from '../../cluster/cluster.ts';
import { type Secret, secrets } from '../../cluster/resources.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/log.ts';
import type { Random } from '../../runtime/random.ts';
import { follow } from './follow.ts';

export interface SecretWatchOptions {
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly name: ObjectName;
  /** Called with the decoded values, and with undefined where there is no such Secret; only on change. */
  readonly changed: (values: Readonly<Record<string, string>> | undefined) => void;
}

/**
 * Follows one Secret by name, so that no more than that one may be read. While the API server is away the last known
 * values hold. Runs until `signal` is aborted.
 */
export async function watchSecret(options: SecretWatchOptions, signal: AbortSignal): Promise<void> {
  const { cluster, clock, random, log, name } = options;
  const where = { name: name.name, ...(name.namespace === undefined ? {} : { namespace: name.namespace }) };
  let last: string | undefined | null = null;
  const tell = (secret: Secret | undefined): void => {
    const values = secret === undefined ? undefined : decode(secret);
    const text = values === undefined ? undefined : JSON.stringify(Object.entries(values).sort());
    if (text === last) return;
    last = text;
    options.changed(values);
  };
  await follow<Secret>(
    {
      cluster,
      clock,
      random,
      log,
      resource: secrets,
      where,
      seen: (secret) => tell(secret),
      gone: () => tell(undefined),
      // An empty list is an answer too: there is no such Secret.
      synced: () => {
        if (last === null) tell(undefined);
      },
    },
    signal,
  );
}

/** The values of a Secret as text. */
function decode(secret: Secret): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [key, value] of Object.entries(secret.data ?? {})) {
    // A line end at the end is what `echo` and editors leave; no credential has one.
    values[key] = Buffer.from(value, 'base64').toString('utf8').trimEnd();
  }
  return { ...values, ...secret.stringData };
}
