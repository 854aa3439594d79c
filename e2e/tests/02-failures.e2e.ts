import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cases } from '../failover/cases.ts';
import { measure } from '../failover/measure.ts';
import { applyDesk, clearDesk } from '../lab/desk.ts';
import { ownNodes } from '../lab/nodes.ts';

beforeAll(applyDesk);
afterAll(clearDesk);

/** Cases that a cluster of others can show; nodes are broken where they are containers of ours. */
const shown = cases.filter(({ breaksNodes }) => ownNodes || !breaksNodes);
/** How much longer than its goal a gap may be on a machine that does other things too; `make e2e-failover` measures. */
const patience = 4;
/** Milliseconds that an undisturbed reader may wait on such a machine. */
const noise = 2000;

describe('while ticks flow, and something dies', () => {
  it.each(shown)('$name: every tick is accounted for, and no two owners are live', async (each) => {
    const { untold, stale, longestGap } = await measure(each);
    expect({ untold, stale }).toEqual({ untold: 0, stale: 0 });
    const most = typeof each.goal === 'number' ? each.goal * patience : 0;
    if (each.goal !== 'told') expect(longestGap).toBeLessThan(Math.max(most, noise));
  });
});
