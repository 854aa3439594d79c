import { VirtualClock } from '../../runtime/virtual-clock.ts';
import { describeCluster } from '../cluster.contract.ts';
import { MemoryCluster } from './memory-cluster.ts';

describeCluster('memory', async () => ({
  cluster: new MemoryCluster({ clock: new VirtualClock() }),
  stop: async () => {},
}));
