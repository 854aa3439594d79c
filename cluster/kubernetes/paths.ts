import type { ListOptions, ObjectName, Resource } from '../cluster.ts';
import { invalid } from '../errors.ts';

/** The path of a kind's objects, in one namespace or in all of them. */
export function collectionPath(resource: Resource, namespace: string | undefined): string {
  const { apiVersion, plural, namespaced } = resource;
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  if (!namespaced || namespace === undefined || namespace === '') return `${root}/${plural}`;
  return `${root}/namespaces/${segment('metadata.namespace', namespace)}/${plural}`;
}

/** The path that objects of a namespace are created at. `CLUSTER_INVALID` where a namespace is wanted and missing. */
export function creationPath(resource: Resource, { namespace, name }: ObjectName): string {
  if (resource.namespaced && (namespace === undefined || namespace === '')) {
    throw invalid(`${resource.kind} ${name}: metadata.namespace: is required`);
  }
  return collectionPath(resource, namespace);
}

/** The path of one object. */
export function objectPath(resource: Resource, name: ObjectName, subresource?: 'status'): string {
  const path = `${creationPath(resource, name)}/${segment('metadata.name', name.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** Query of a list or a watch: labels and name as selectors. */
export function selectionQuery({ labels = {}, name }: ListOptions): Record<string, string> {
  const selector = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return {
    ...(selector.length === 0 ? {} : { labelSelector: selector.join(',') }),
    ...(name === undefined ? {} : { fieldSelector: `metadata.name=${name}` }),
  };
}

/** A name as a segment of a path: nothing that an API server would read as another path (`ValidatePathSegmentName`). */
function segment(field: string, name: string): string {
  if (name === '') throw invalid(`${field}: is required`);
  if (name === '.' || name === '..' || /[/%]/.test(name))
    throw invalid(`${field}: may not be '.', '..' or have / or %`);
  return encodeURIComponent(name);
}
