import type { Resource } from '../cluster/cluster.ts';
import { compareVersions } from '../cluster/resource-version.ts';
import { subscriptionSlices } from '../cluster/resources.ts';
import type { KubeObject } from '../crds/index.ts';

/** What a process has heard of its own writes is known to it for this long at least (milliseconds, by any clock). */
const remembered = 120_000;

/** A process that plans on no cache older than its own last write, as far as it has heard of that: read your writes. */
export class OwnWrites {
  readonly #now: () => number;
  readonly #violated: (what: string) => void;
  readonly #heard = new Map<string, { readonly version: string; readonly at: number }>();

  constructor(now: () => number, violated: (what: string) => void) {
    this.#now = now;
    this.#violated = violated;
  }

  /** An object on its way to the API server. */
  sends(resource: Resource, { metadata }: KubeObject): void {
    const last = resource === subscriptionSlices ? this.#heard.get(metadata.uid ?? '') : undefined;
    if (last === undefined || metadata.resourceVersion === undefined) return;
    if (this.#now() - last.at > remembered || !(compareVersions(metadata.resourceVersion, last.version) < 0)) return;
    this.#violated(
      `slice ${metadata.name}: decided at version ${metadata.resourceVersion} by who wrote ${last.version} itself`,
    );
  }

  /** The object as it was written. */
  wrote({ metadata: { uid = '', resourceVersion } }: KubeObject): void {
    if (resourceVersion !== undefined) this.#heard.set(uid, { version: resourceVersion, at: this.#now() });
  }

  /** It was refused, or nobody knows: what was written before says nothing any more. */
  failed({ metadata: { uid = '' } }: KubeObject): void {
    this.#heard.delete(uid);
  }
}
