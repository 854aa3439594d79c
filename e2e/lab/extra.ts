import { eventually } from './command.ts';
import { waitReady } from './desk.ts';
import { apply, kubectl } from './kubectl.ts';
import { desk } from './lab.ts';
import { list } from './objects.ts';

const apiVersion = 'ticker-operator.io/v1alpha1';
const name = 'extra';
/** The slice of {@link extraAccount}. */
export const extraSlice = `${name}-c0`;

/** A third account with a set that is on it alone; `rests`: its exchange has no session for days. */
export async function extraAccount({ rests = false }: { readonly rests?: boolean } = {}): Promise<void> {
  const metadata = { name };
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata,
    stringData: { apiKey: 'e2e-c', accessToken: 'e2e-token-c' },
  };
  const spec = {
    provider: 'kite',
    credentials: { secretName: name },
    endpoint: { rest: 'http://kite-simulator:8080', websocket: 'ws://kite-simulator:8080' },
    ...(rests ? { sessions: sessionInDays() } : {}),
  };
  const set = {
    mode: 'quote',
    validation: { action: 'report' },
    accountSelector: { names: [name] },
    instruments: ['NSE:WIPRO', 'NSE:MARUTI'],
    delivery: { stream: { maxLength: 20_000 } },
  };
  const account = { apiVersion, kind: 'TickerAccount', metadata, spec };
  for (const object of [secret, account, { apiVersion, kind: 'InstrumentSet', metadata, spec: set }])
    await apply(JSON.stringify(object), desk);
  await waitReady();
}

/** Takes it away again, and waits until its slice has ended. */
export async function removeExtra(): Promise<void> {
  const objects = ['instrumentset', 'tickeraccount', 'secret'].map((kind) => `${kind}/${name}`);
  await kubectl(['delete', ...objects, '-n', desk, '--ignore-not-found', '--timeout=60s']);
  await eventually(`${extraSlice} has ended`, async () =>
    (await list('subscriptionslice', desk)).every(({ metadata }) => metadata.name !== extraSlice) ? true : undefined,
  );
}

/** A calendar whose only session is on another day of the week. */
function sessionInDays(): object {
  const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
  const day = days[(new Date().getUTCDay() + 3) % days.length];
  return { timezone: 'Etc/UTC', hours: [{ exchanges: ['NSE'], days: [day], open: '10:00', close: '11:00' }] };
}
