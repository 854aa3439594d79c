import { vi } from 'vitest';
import { describeCluster } from '../cluster.contract.ts';
import { ApiServer } from './api-server.testing.ts';

vi.setConfig({ hookTimeout: 180_000, testTimeout: 60_000 });

describeCluster('kubernetes', async () => {
  const server = await ApiServer.start();
  return { cluster: await server.connect(), stop: () => server.stop() };
});
