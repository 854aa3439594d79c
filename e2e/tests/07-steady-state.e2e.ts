import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { applyDesk, clearDesk, recovered } from '../lab/desk.ts';
import { kubectl } from '../lab/kubectl.ts';
import { ownNodes } from '../lab/nodes.ts';
import { type Counts, difference, parseRequests, total, writes } from '../lab/requests.ts';

beforeAll(applyDesk);
afterAll(clearDesk);

/** Milliseconds without any change. */
const quiet = 60_000;
/** What Kubernetes itself writes all the time: that nodes live, and the bookkeeping of its own API server. */
const own =
  /^(nodes\/status|events|flowschemas|prioritylevelconfigurations|tokenreviews|subjectaccessreviews|serviceaccounts\/token)/;

async function requests(): Promise<Counts> {
  return parseRequests(await kubectl(['get', '--raw', '/metrics']));
}

// Others write on a cluster of others.
it.runIf(ownNodes)('where nothing changes, nothing is written but leases', async () => {
  await recovered();
  await delay(10_000);
  const before = await requests();
  await delay(quiet);
  const counted = difference(await requests(), before);
  expect(total(counted.filter(({ resource }) => resource === 'leases'))).toBeGreaterThan(quiet / 1000);
  expect(writes(counted).filter(({ resource }) => !own.test(resource))).toEqual([]);
});
