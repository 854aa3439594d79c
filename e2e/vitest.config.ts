import { defineConfig } from 'vitest/config';

/** The tests on a cluster: one after the other, for they break what the next one needs. */
export default defineConfig({
  test: {
    include: ['e2e/tests/**/*.e2e.ts'],
    globalSetup: ['e2e/lab/global-setup.ts'],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 600_000,
  },
});
