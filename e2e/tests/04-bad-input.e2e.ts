import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { admissionCorpus } from '../../crds/admission.corpus.ts';
import { account } from '../failover/accounting.ts';
import { applyDesk, clearDesk, recovered, waitCondition } from '../lab/desk.ts';
import { apply } from '../lab/kubectl.ts';
import { desk, rate } from '../lab/lab.ts';
import { readReport, resetReader } from '../lab/reader.ts';

beforeAll(async () => {
  await applyDesk();
  await recovered();
  await resetReader();
});
afterAll(clearDesk);

/** What a user can write; a status is not theirs. */
const refused = admissionCorpus.filter(
  ({ refused, old, object }) => refused !== undefined && old === undefined && object.status === undefined,
);
const object = (kind: string, name: string, spec: object): Promise<string> =>
  apply(JSON.stringify({ apiVersion: 'ticker-operator.io/v1alpha1', kind, metadata: { name }, spec }), desk);

describe('bad input through the API server', () => {
  it('there is enough of it', () => expect(refused.length).toBeGreaterThanOrEqual(40));

  it.each(refused)('refused: $name', async ({ object }) => {
    await expect(apply(JSON.stringify(object), desk)).rejects.toThrow(
      /is invalid|unknown field|error validating|ValidationError|strict decoding/i,
    );
  });

  it('a symbol that does not exist names its nearest', async () => {
    await object('InstrumentSet', 'bad-symbol', { instruments: ['NSE:RELIANC'] });
    await waitCondition('instrumentset', 'bad-symbol', 'Resolved', 'False', /NSE:RELIANCE/);
  });

  it('a Secret that does not exist is named', async () => {
    await object('TickerAccount', 'bad-secret', { provider: 'kite', credentials: { secretName: 'nobody-made-it' } });
    await waitCondition('tickeraccount', 'bad-secret', 'Ready', 'False', /nobody-made-it/);
  });

  it('a provider that does not exist names those that do', async () => {
    await object('TickerAccount', 'bad-provider', { provider: 'kyte', credentials: { secretName: 'kite-demo-a' } });
    await waitCondition('tickeraccount', 'bad-provider', 'Ready', 'False', /kyte.*kite/s);
  });

  it('accounts that no set may use leave it without a place, and it says so', async () => {
    await object('InstrumentSet', 'bad-accounts', {
      instruments: ['NSE:WIPRO'],
      accountSelector: { names: ['nobody'] },
    });
    await waitCondition('instrumentset', 'bad-accounts', 'Ready', 'False', /nobody|accountSelector|account/);
  });

  it('and none of it disturbed the sets that stream', async () => {
    const report = await readReport();
    const sets = [`${desk}/left`, `${desk}/right`];
    const { made, live, untold } = account(report, { rate, margin: 1500, sets });
    expect(made).toBeGreaterThan(0);
    expect({ live, untold }).toEqual({ live: made, untold: 0 });
  });
});
