import { expect, test } from 'vitest';
import { operatorConfigSchema, type PodTemplate } from './config.ts';
import { knownTemplate } from './plan.ts';
import { areAllDown, nextRolloutStep, type PodView, type RolloutInput, type RolloutStep } from './rollout.ts';

function template(image: string): PodTemplate {
  return { spec: { serviceAccountName: 'shard', containers: [{ name: 'shard', image }] } };
}

const [one, two, three] = ['one', 'two', 'three'].map((image) => knownTemplate(template(image)));
const { rollout: config } = operatorConfigSchema.parse({ shards: { template: template('x') } }).shards;

/** A StatefulSet and its controller, as far as a rollout sees them. */
class Cluster {
  now = 0;
  wanted = one!;
  step: RolloutStep = { apply: one!, partition: 0, state: undefined, good: undefined };
  errors: RolloutInput['errors'];
  /** Template of each pod; those of `broken` never get Ready. */
  pods: string[];
  broken = new Set<string>();
  flapping = false;
  restarts = 0;
  progressAt = 0;
  allDownAt = Number.NEGATIVE_INFINITY;
  /** What all pods need is away. */
  outage = false;
  readonly events: string[] = [];

  constructor(replicas: number) {
    this.pods = Array.from({ length: replicas }, () => one!.hash);
  }

  get views(): PodView[] {
    return this.pods.map((hash, ordinal) => ({
      ordinal,
      updated: hash === this.step.apply.hash,
      ready: !this.outage && !this.broken.has(hash) && !(this.flapping && ordinal === this.pods.length - 1),
      restarts: ordinal === this.pods.length - 1 ? this.restarts : 0,
    }));
  }

  /** One look of ours, then one step of the StatefulSet's controller: from the end, one at a time, waiting for Ready. */
  tick(seconds = 1): this {
    this.now += seconds * 1000;
    if (areAllDown(this.views)) this.allDownAt = this.now;
    const { step, wanted, now, errors, progressAt, allDownAt } = this;
    const input = { wanted, current: step.apply, replicas: this.pods.length, state: step.state, good: step.good };
    this.step = nextRolloutStep({
      ...input,
      observed: true,
      pods: this.views,
      errors,
      progressAt,
      allDownAt,
      now,
      config,
    });
    if (this.step.event !== undefined) this.events.push(this.step.event.reason);
    for (let ordinal = this.pods.length - 1; ordinal >= this.step.partition; ordinal--) {
      const view = this.views[ordinal]!;
      if (view.updated && view.ready) continue;
      if (view.updated) break;
      this.pods[ordinal] = this.step.apply.hash;
      this.progressAt = now;
      break;
    }
    return this;
  }

  run(seconds: number): this {
    for (let second = 0; second < seconds; second++) this.tick();
    return this;
  }
}

test('the last pod gets a changed template, is watched, and the others follow', () => {
  const cluster = new Cluster(3).run(2);
  expect(cluster.step).toMatchObject({ state: undefined, good: one });
  cluster.wanted = two!;
  cluster.tick();
  expect(cluster.step).toMatchObject({ apply: two, partition: 2, state: { phase: 'Canary' } });
  cluster.run(30);
  expect(cluster.pods).toEqual([one!.hash, one!.hash, two!.hash]);
  expect(cluster.step.state?.phase).toBe('Watching');
  cluster.run(60);
  expect(cluster.pods).toEqual([two!.hash, two!.hash, two!.hash]);
  expect(cluster.step).toMatchObject({ state: undefined, good: two, partition: 0 });
  expect(cluster.events).toEqual(['RolloutStarted', 'RolloutContinues', 'RolloutDone']);
  const rested = cluster.step;
  expect(cluster.tick(600).step).toEqual(rested);
});

test.each<[string, (cluster: Cluster) => void, RegExp]>([
  ['is not Ready', (cluster) => cluster.broken.add(two!.hash), /not Ready within 300 s/],
  [
    'is no longer Ready',
    (cluster) => {
      cluster.run(10).flapping = true;
    },
    /no longer Ready/,
  ],
  [
    'was restarted',
    (cluster) => {
      cluster.run(10).restarts = 1;
    },
    /restarted/,
  ],
  [
    'logs more errors than the others',
    (cluster) => {
      cluster.run(10).errors = { canary: 20, others: 1 };
    },
    /20.0 errors a minute, the others 1.0/,
  ],
])('a first pod that %s stops the rollout, and the last good template is restored', (_name, breakIt, message) => {
  const cluster = new Cluster(3).run(2);
  cluster.wanted = two!;
  cluster.tick();
  breakIt(cluster);
  cluster.run(310);
  expect(cluster.step).toMatchObject({ apply: one, partition: 0, state: { phase: 'Stopped' } });
  expect(cluster.step.state?.message).toMatch(message);
  expect(cluster.pods).toEqual([one!.hash, one!.hash, one!.hash]);
  expect(cluster.events).toEqual(['RolloutStarted', 'RolloutStopped']);
  // It stays stopped until the configuration says another.
  cluster.run(600);
  expect(cluster.events).toHaveLength(2);
  Object.assign(cluster, { wanted: three!, flapping: false, restarts: 0, errors: undefined });
  cluster.run(120);
  expect(cluster.pods).toEqual([three!.hash, three!.hash, three!.hash]);
});

test('errors that the others log too stop nothing', () => {
  const cluster = new Cluster(3).run(2);
  cluster.wanted = two!;
  cluster.errors = { canary: 20, others: 10 };
  expect(cluster.run(120).pods).toEqual([two!.hash, two!.hash, two!.hash]);
});

test('a pod that gets stuck later stops the rollout too', () => {
  const cluster = new Cluster(3).run(2);
  cluster.wanted = two!;
  cluster.run(62);
  expect(cluster.step.state?.phase).toBe('Rolling');
  cluster.broken.add(two!.hash);
  cluster.run(310);
  expect(cluster.pods).toEqual([one!.hash, one!.hash, one!.hash]);
  expect(cluster.events.at(-1)).toBe('RolloutStopped');
});

test('the configuration goes back: no watch is needed for what is there', () => {
  const cluster = new Cluster(2).run(2);
  cluster.wanted = two!;
  cluster.tick().tick();
  cluster.wanted = one!;
  cluster.run(120);
  expect(cluster.pods).toEqual([one!.hash, one!.hash]);
  expect(cluster.step.state).toBeUndefined();
});

test('nothing good is known yet: the others keep what they have', () => {
  const cluster = new Cluster(3);
  cluster.flapping = true;
  cluster.tick();
  cluster.wanted = two!;
  cluster.run(310);
  expect(cluster.step).toMatchObject({ apply: two, partition: 2, good: undefined, state: { phase: 'Stopped' } });
  expect(cluster.run(60).pods).toEqual([one!.hash, one!.hash, two!.hash]);
});

test('an outage that all pods suffer from stops no rollout', () => {
  for (const before of [2, 30]) {
    const cluster = new Cluster(3).run(2);
    cluster.wanted = two!;
    cluster.run(before);
    cluster.outage = true;
    cluster.run(600);
    expect(cluster.events).toEqual(['RolloutStarted']);
    cluster.outage = false;
    // The first pod may be the last to come back.
    cluster.flapping = true;
    cluster.run(20);
    cluster.flapping = false;
    cluster.run(400);
    expect(cluster.pods).toEqual([two!.hash, two!.hash, two!.hash]);
  }
});
