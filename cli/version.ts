import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { apiVersion } from '../crds/group.ts';
import { deliveryVersion } from '../ticker/delivery.ts';

/** Version of this program, from package.json. */
export const version = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))).version;

export function versionCommand(): void {
  console.log(
    `ticker-operator ${version} (API ${apiVersion}, delivery v${deliveryVersion}, Node ${process.versions.node})`,
  );
}
