import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type AdmissionCase, admissionCorpus, type CorpusObject } from '../../crds/admission.corpus.ts';
import { admit } from '../../crds/admission.ts';
import type { KubeObject } from '../../crds/index.ts';
import { CodedError } from '../../runtime/errors.ts';
import type { Resource } from '../cluster.ts';
import { resources } from '../resources.ts';
import { ApiServer } from './api-server.testing.ts';
import type { KubernetesCluster } from './kubernetes-cluster.ts';

vi.setConfig({ hookTimeout: 180_000, testTimeout: 60_000 });

const manager = { fieldManager: 'corpus' };
type Stored = KubeObject & { spec?: unknown; status?: unknown };

/** One corpus, two judges: a real API server with our CRDs, and `admit()`. */
describe('admission by a real API server', () => {
  let server: ApiServer;
  let cluster: KubernetesCluster;
  beforeAll(async () => {
    server = await ApiServer.start();
    cluster = await server.connect();
  });
  afterAll(() => server.stop());

  /** Writes spec and status, as two requests, over what is stored. */
  async function write(resource: Resource, object: CorpusObject, stored?: Stored): Promise<Stored> {
    const { status, ...rest } = object;
    const metadata = { ...rest.metadata, namespace: 'default' };
    const sent = { ...rest, metadata } as Stored;
    const { resourceVersion = '' } = stored?.metadata ?? {};
    const written =
      stored === undefined
        ? await cluster.create(resource, sent, manager)
        : await cluster.replace(resource, { ...sent, metadata: { ...metadata, resourceVersion } }, manager);
    if (status === undefined) return written;
    return cluster.applyStatus<Stored>(resource, { ...sent, status }, { fieldManager: 'status' });
  }

  async function judge({ object, old }: AdmissionCase): Promise<Stored | CodedError> {
    const resource = resources.find(({ kind }) => kind === object.kind);
    if (resource === undefined) throw new Error(`no resource of kind ${object.kind}`);
    const stored = old === undefined ? undefined : await write(resource, old);
    try {
      return await write(resource, object, stored);
    } catch (error) {
      if (error instanceof CodedError) return error;
      throw error;
    } finally {
      const name = { namespace: 'default', name: object.metadata.name };
      await cluster.delete(resource, name).catch((error: CodedError) => {
        if (error.code !== 'CLUSTER_NOT_FOUND') throw error;
      });
    }
  }

  const title = ({ refused }: AdmissionCase): string => (refused === undefined ? 'accepts' : 'refuses');
  it.each(admissionCorpus.map((entry) => [title(entry), entry.name, entry] as const))('%s %s', async (_, __, entry) => {
    const verdict = await judge(entry);
    if (entry.refused !== undefined) {
      expect(verdict).toMatchObject({ code: 'CLUSTER_INVALID' });
      return;
    }
    const { object, old } = entry;
    if (verdict instanceof CodedError) throw verdict;
    // Defaults are filled in and null fields dropped by both.
    const { spec, status } = admit(object.kind, object, old).object;
    expect({ spec: verdict.spec, status: verdict.status }).toEqual({ spec, status });
  });
});
