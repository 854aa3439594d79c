import { unknownProvider } from './errors.ts';
import { kiteProvider } from './kite/kite-provider.ts';
import { mockProvider } from './mock/mock-provider.ts';
import type { Provider } from './provider.ts';

/** Every provider, by the name that `spec.provider` of a TickerAccount gives. A new one is a line here. */
export const providers: ReadonlyMap<string, Provider> = new Map(
  [kiteProvider, mockProvider].map((provider) => [provider.name, provider]),
);

/** Throws `PROVIDER_UNKNOWN`, naming those that there are. */
export function providerNamed(name: string): Provider {
  const provider = providers.get(name);
  if (provider !== undefined) return provider;
  throw unknownProvider(`there is no provider ${JSON.stringify(name)}; there are ${[...providers.keys()].join(', ')}`);
}
