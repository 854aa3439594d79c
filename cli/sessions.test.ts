import { afterEach, beforeEach, test } from 'vitest';
import { systemClock } from '../runtime/clock.ts';
import { accountYaml, StandaloneHarness, setYaml } from './standalone.testing.ts';

let harness: StandaloneHarness;
beforeEach(() => {
  harness = new StandaloneHarness();
});
afterEach(() => harness.stop());

/** A calendar that is closed today, yesterday and tomorrow, whatever today is. */
function closedNow(): string {
  const dates = [-1, 0, 1].map((days) => new Date(systemClock.now() + days * 86_400_000).toISOString().slice(0, 10));
  return `  sessions:
    timezone: UTC
    hours:
      - { days: [Mon, Tue, Wed, Thu, Fri, Sat, Sun], open: '00:00', close: '24:00' }
    holidays:
${dates.map((date) => `      - { date: '${date}' }`).join('\n')}
`;
}

test('a set whose market is closed is ready and at rest, and streams once the calendar lets it', async () => {
  harness.write('account.yaml', accountYaml('a', closedNow()));
  harness.write('set.yaml', setYaml('watch', '  instruments: [NSE:INFY, NSE:SBIN]'));
  await harness.start();
  await harness.line(['account default/a: Ready: Resting, opens at', 'UTC']);
  await harness.line(['set default/watch: Ready: 2 instruments at rest: Resting, opens at']);
  harness.write('account.yaml', accountYaml('a'));
  await harness.line(['set default/watch: Ready: 2 instruments subscribed']);
  await harness.line(['account default/a: Ready: served by shard']);
});
