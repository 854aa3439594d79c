import { z } from 'zod';
import { pathOf, read } from './api.ts';

const condition = z.object({
  type: z.string(),
  status: z.string(),
  reason: z.string().default(''),
  message: z.string().default(''),
});
const containerStatus = z.object({ restartCount: z.int(), ready: z.boolean(), containerID: z.string().default('') });
const object = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string().default(''),
    uid: z.string(),
    labels: z.record(z.string(), z.string()).default({}),
    deletionTimestamp: z.string().optional(),
    annotations: z.record(z.string(), z.string()).default({}),
    resourceVersion: z.string(),
  }),
  spec: z.looseObject({}).default({}),
  status: z.looseObject({ conditions: z.array(condition).default([]) }).default({ conditions: [] }),
});

/** An object of the cluster, as far as these tests look. */
export type Item = z.infer<typeof object>;

/** Objects of a kind, in one namespace. */
export async function list(kind: string, namespace: string, selector?: string): Promise<Item[]> {
  const query = selector === undefined ? '' : `?${new URLSearchParams({ labelSelector: selector })}`;
  return z.object({ items: z.array(object) }).parse(JSON.parse(await read(`${pathOf(kind, namespace)}${query}`))).items;
}

export async function get(kind: string, namespace: string, name: string): Promise<Item> {
  return object.parse(JSON.parse(await read(`${pathOf(kind, namespace)}/${name}`)));
}

export function conditionOf(item: Item, type: string): z.infer<typeof condition> | undefined {
  return item.status.conditions.find((each) => each.type === type);
}

const podSpec = z.object({ nodeName: z.string().default(''), containers: z.array(z.object({ image: z.string() })) });
const podStatus = z.object({
  phase: z.string().default(''),
  podIP: z.string().default(''),
  containerStatuses: z.array(containerStatus).default([]),
});

export interface Pod {
  readonly name: string;
  readonly uid: string;
  readonly node: string;
  readonly ip: string;
  readonly ready: boolean;
  readonly restarts: number;
  readonly component: string;
  /** Of its first container. */
  readonly image: string;
  readonly leaving: boolean;
}

export async function pods(namespace: string, selector: string): Promise<Pod[]> {
  return (await list('pods', namespace, selector)).map(({ metadata, spec, status }) => {
    const { podIP, containerStatuses } = podStatus.parse(status);
    const { nodeName, containers } = podSpec.parse(spec);
    return {
      name: metadata.name,
      uid: metadata.uid,
      node: nodeName,
      image: containers[0]?.image ?? '',
      ip: podIP,
      ready: containerStatuses.length > 0 && containerStatuses.every(({ ready }) => ready),
      component: metadata.labels['app.kubernetes.io/component'] ?? '',
      restarts: containerStatuses.reduce((sum, { restartCount }) => sum + restartCount, 0),
      leaving: metadata.deletionTimestamp !== undefined,
    };
  });
}
