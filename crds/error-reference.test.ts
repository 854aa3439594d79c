import { expect, it } from 'vitest';
import { errorReference } from './error-reference.ts';

it('lists code, persistence and remedy', () => {
  const page = errorReference([
    { code: 'A_B', persistence: 'retryable', remedy: 'Wait | see.' },
    { code: 'C_D', persistence: 'terminal', remedy: 'Change it.' },
  ]);
  expect(page).toContain('| `A_B` | tried again by itself | Wait \\| see. |');
  expect(page).toContain('| `C_D` | needs a change by somebody | Change it. |');
});
