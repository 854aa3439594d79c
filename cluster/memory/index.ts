export { MemoryCluster, type MemoryClusterOptions } from './memory-cluster.ts';
