import type { Provider } from '../ticker/providers/provider.ts';

/** The host in an account's endpoint that means the simulated broker: in a cluster, the Service of that name. */
export const simulatorHost = 'kite-simulator';

/** Whether an address names the simulated broker. */
export function isSimulated(address: string | undefined): boolean {
  return address !== undefined && URL.canParse(address) && new URL(address).hostname === simulatorHost;
}

/**
 * The same providers, for which {@link simulatorHost} is found at `address` (`127.0.0.1:8765`), as a cluster's DNS would
 * find it. Every other endpoint is left as it is.
 */
export function withSimulator(
  providers: ReadonlyMap<string, Provider>,
  address: string,
): ReadonlyMap<string, Provider> {
  const found = (endpoint: string | undefined): string | undefined => {
    if (endpoint === undefined || !isSimulated(endpoint)) return endpoint;
    const url = new URL(endpoint);
    url.host = address;
    return url.href.replace(/\/$/, '');
  };
  return new Map(
    [...providers].map(([name, provider]) => [
      name,
      {
        name: provider.name,
        limits: provider.limits,
        credentialKeys: provider.credentialKeys,
        open: (options) =>
          provider.open({
            ...options,
            endpoint: options.endpoint && {
              rest: found(options.endpoint.rest),
              websocket: found(options.endpoint.websocket),
            },
          }),
      },
    ]),
  );
}
