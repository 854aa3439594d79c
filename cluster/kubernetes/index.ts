export { type ApiServerConfig, type LoadOptions, loadApiServerConfig } from './config.ts';
export { KubernetesCluster, type KubernetesClusterOptions } from './kubernetes-cluster.ts';
export type { RequestReport } from './requester.ts';
