import { describe, expect, it } from 'vitest';
import { render, type UserValues } from './helm.testing.ts';

const url = 'redis://redis:6379';
const redis = { url };

/** Values that are none, and what is said about them. */
const cases: [string, UserValues, RegExp][] = [
  [
    'no Redis',
    {},
    /redis\.url is missing: set it .* or try it with a small Redis of this chart: --set redis\.trial\.enabled=true/,
  ],
  ['another scheme', { redis: { url: 'http://redis' } }, /redis\.url is no address of Redis: write redis\[s\]:\/\//],
  [
    'a password in the URL',
    { redis: { url: 'redis://:hunter2@redis' } },
    /without a login, which redis\.auth\.secretName brings/,
  ],
  [
    'both kinds of Redis',
    { redis: { url, trial: { enabled: true } } },
    /redis\.url and redis\.trial\.enabled are both set/,
  ],
  [
    'a login for the trial',
    { redis: { trial: { enabled: true }, auth: { secretName: 'x' } } },
    /redis\.trial has no login and no TLS/,
  ],
  ['TLS without rediss', { redis: { url, ca: { secretName: 'x' } } }, /let redis\.url start with rediss/],
  ['an unknown value', { redis, replicas: 3 }, /additional properties 'replicas' not allowed/],
  [
    'an unknown value further down',
    { redis, shards: { mim: 3 } },
    /at '\/shards': additional properties 'mim' not allowed/,
  ],
  ['a number as text', { redis, shards: { min: 'two' } }, /at '\/shards\/min': got string, want integer/],
  ['too many', { redis, operator: { replicas: 6 } }, /at '\/operator\/replicas': maximum: got 6, want 5/],
  [
    'bounds that cross',
    { redis, shards: { min: 9, max: 8 } },
    /shards\.max is 8 and less than shards\.min, 9: raise it/,
  ],
  ['a level that is none', { redis, logLevel: 'loud' }, /at '\/logLevel': value must be one of 'trace', 'debug'/],
  [
    'a name that is none',
    { redis, gateway: { tokens: { secretName: 'My Secret' } } },
    /gateway\.tokens\.secretName is no name: write lower-case/,
  ],
  [
    'an origin with a path',
    { redis, gateway: { allowOrigins: ['https://a/b'] } },
    /gateway\.allowOrigins is no origin: write SCHEME:\/\/HOST/,
  ],
  [
    'a duration without a unit',
    { redis, metrics: { podMonitor: { interval: '15' } } },
    /metrics\.podMonitor\.interval is no duration/,
  ],
  [
    'an address without bits',
    { redis, networkPolicy: { broker: { cidrs: ['10.0.0.1'] } } },
    /networkPolicy\.broker\.cidrs is no block of addresses/,
  ],
  [
    'a toleration with a typing error',
    { redis, shards: { tolerations: [{ key: 'a', efect: 'NoSchedule' }] } },
    /'efect' not allowed/,
  ],
  [
    'an Ingress without a host',
    { redis, gateway: { ingress: { enabled: true } } },
    /gateway\.ingress\.host is missing: set it/,
  ],
  [
    'a route without a Gateway',
    { redis, gateway: { httpRoute: { enabled: true } } },
    /gateway\.httpRoute\.parentRefs is empty: name the Gateway/,
  ],
  [
    'a route to no gateway',
    { redis, gateway: { enabled: false, ingress: { enabled: true, host: 'a' } } },
    /set gateway\.enabled=true/,
  ],
  [
    'autoscaling by nothing',
    { redis, gateway: { autoscaling: { enabled: true }, resources: { requests: { cpu: null } } } },
    /set gateway\.resources\.requests\.cpu/,
  ],
  ['two tokens', { redis, marketData: { secretName: 'mine' } }, /set marketData\.createToken=false/],
  ['a digest that is none', { redis, image: { digest: 'sha256:abc' } }, /image\.digest is no digest/],
  ['a set without a namespace', { redis, test: { set: 'equities' } }, /test\.set is no set: write NAMESPACE\/NAME/],
  // What `--reuse-values` leaves of a new chart's values.
  [
    'values of an older chart',
    { redis, marketData: null },
    /marketData is missing from the values: upgrade with --reset-then-reuse-values/,
  ],
];

describe('values that are refused', () => {
  it.each(cases)('%s', async (_what, values, says) => {
    const said = await render(values).then(
      () => 'nothing',
      (error: Error) => error.message,
    );
    expect(said).toMatch(says);
    expect(said).not.toContain('hunter2');
  });

  it('a release name that leaves no room', async () => {
    const release = 'a-name-that-is-as-long-as-no-name-should-be';
    await expect(render({ redis }, { release })).rejects.toThrow(/too long .* at most 40 characters/);
  });
});
