import { vi } from 'vitest';

/** Lets time pass until `check` does not throw; rejects with what it throws where that takes unreasonably long. */
export type WaitFor = (check: () => void) => Promise<void>;

/** On the machine's own time; as patient as a busy machine needs. */
export const waitForReal: WaitFor = (check) => vi.waitFor(check, { timeout: 40_000, interval: 5 });
