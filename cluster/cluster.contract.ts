import { afterAll, beforeAll, describe } from 'vitest';
import { describeApply } from './contract/apply.ts';
import { describeDeletion } from './contract/deletion.ts';
import { type ClusterUnderTest, Fixture } from './contract/fixtures.ts';
import { describeObjects } from './contract/objects.ts';
import { describeStatus } from './contract/status.ts';
import { describeWatches } from './contract/watches.ts';

/**
 * What every {@link Cluster} promises; each implementation runs it. It asserts only what a real kube-apiserver (1.34)
 * does. The cluster needs this project's CRDs; the suite leaves objects named `contract-…` behind.
 *
 * Where the API server's own answer says less than this interface promises, an implementation translates it:
 * 500 "failed to create typed patch object" (a double in a keyed list, an undeclared field) is `CLUSTER_INVALID`;
 * 422 "metadata.uid: field is immutable" of an apply is `CLUSTER_CONFLICT`.
 */
export function describeCluster(name: string, makeCluster: () => Promise<ClusterUnderTest>): void {
  describe(`cluster contract: ${name}`, () => {
    let made: ClusterUnderTest | undefined;
    let fixture: Fixture | undefined;
    beforeAll(async () => {
      made = await makeCluster();
      fixture = new Fixture(made);
    });
    afterAll(() => made?.stop());
    const get = (): Fixture => {
      if (fixture === undefined) throw new Error('the cluster was not made');
      return fixture;
    };
    describeObjects(get);
    describeApply(get);
    describeStatus(get);
    describeDeletion(get);
    describeWatches(get);
  });
}
