import { clearDesk } from './desk.ts';
import { imagesFromEnvironment, install, uninstall } from './lab.ts';
import { collectLogs } from './logs.ts';

/** Installs everything; at the end it collects the logs, and takes it away from a cluster that is not ours to delete. */
export async function setup(): Promise<() => Promise<void>> {
  await install(imagesFromEnvironment());
  // A run that was interrupted may have left something.
  await clearDesk();
  return async () => {
    await collectLogs(process.env['E2E_LOGS'] ?? '.cache/e2e-logs');
    if (process.env['E2E_KUBECONFIG'] !== undefined) await uninstall();
  };
}
