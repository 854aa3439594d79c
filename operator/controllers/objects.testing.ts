import {
  apiVersion,
  type InstrumentSet,
  instrumentSetSpec,
  type TickerAccount,
  tickerAccountSpec,
} from '../../crds/index.ts';

/** A set with every default filled in. */
export function makeSet(
  namespace: string,
  name: string,
  spec: object,
  creationTimestamp = '2026-01-01T00:00:00Z',
): InstrumentSet {
  return {
    apiVersion,
    kind: 'InstrumentSet',
    metadata: { namespace, name, uid: `${namespace}-${name}`, generation: 1, creationTimestamp },
    spec: instrumentSetSpec.parse(spec),
  };
}

/** An account with every default filled in. */
export function makeAccount(namespace: string, name: string, spec: object = {}): TickerAccount {
  return {
    apiVersion,
    kind: 'TickerAccount',
    metadata: { namespace, name },
    spec: tickerAccountSpec.parse({ provider: 'kite', credentials: { secretName: `${name}-login` }, ...spec }),
  };
}
