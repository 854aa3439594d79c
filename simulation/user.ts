import { instrumentSets, type Secret, secrets, tickerAccounts } from '../cluster/resources.ts';
import type { TickerAccount } from '../crds/index.ts';
import { sleep } from '../runtime/clock.ts';
import { hasCode } from '../runtime/errors.ts';
import type { Random } from '../runtime/random.ts';
import { account, namespace, randomSet, secretName } from './scenario.ts';
import type { World } from './world.ts';

const options = { fieldManager: 'user', force: true };

/** Somebody who applies, changes and deletes resources, and renews logins. */
export class User {
  readonly #world: World;
  #tokens = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Everything that there is at first. */
  async begin(random: Random): Promise<void> {
    for (const name of this.#world.scenario.accounts) {
      await this.rotate(name, 0);
      await this.applyAccount(name);
    }
    for (const name of this.#world.scenario.sets.slice(0, 3)) await this.applySet(random, name);
  }

  async applySet(random: Random, name = one(this.#world.scenario.sets, random)): Promise<void> {
    this.#world.trace.add('user', `applies set ${name}`);
    await this.#world.cluster.apply(instrumentSets, randomSet(name, random), options);
  }

  /** Deleted and created anew before anybody need have noticed. */
  async recreateSet(random: Random): Promise<void> {
    const name = one(this.#world.scenario.sets, random);
    await this.deleteSet(random, name);
    await this.applySet(random, name);
  }

  deleteSet(random: Random, name = one(this.#world.scenario.sets, random)): Promise<void> {
    this.#world.trace.add('user', `deletes set ${name}`);
    return this.#gone(this.#world.cluster.delete(instrumentSets, { namespace, name }));
  }

  async applyAccount(name: string, limits?: TickerAccount['spec']['limits'], suspended = false): Promise<void> {
    this.#world.trace.add('user', `applies account ${name}${suspended ? ', suspended' : ''}`);
    await this.#world.cluster.apply(tickerAccounts, account(name, limits, suspended), options);
  }

  /** Limits that leave room for every instrument on all accounts together. */
  async limitAccount(random: Random): Promise<void> {
    const connections = 1 + random.integer(2);
    const name = one(this.#world.scenario.accounts, random);
    await this.applyAccount(name, { connections, instrumentsPerConnection: 12 + random.integer(9) });
  }

  async recreateAccount(random: Random): Promise<void> {
    const name = one(this.#world.scenario.accounts, random);
    await this.deleteAccount(name);
    await this.applyAccount(name);
  }

  deleteAccount(name: string): Promise<void> {
    this.#world.trace.add('user', `deletes account ${name}`);
    return this.#gone(this.#world.cluster.delete(tickerAccounts, { namespace, name }));
  }

  /** The broker ends the old access token; the Secret gets the new one `later` milliseconds after. */
  async rotate(name: string, later: number): Promise<void> {
    const { broker, clock, cluster, trace } = this.#world;
    const accessToken = `login-${++this.#tokens}`;
    const login = broker.account(`${namespace}/${name}`);
    trace.add('user', `logs in anew for ${name}; the Secret follows in ${(later / 1000).toFixed(1)} s`);
    login.accessToken = accessToken;
    if (later > 0) await sleep(clock, later);
    if (login.accessToken !== accessToken) return;
    const data = { accessToken: Buffer.from(accessToken).toString('base64') };
    const secret: Secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: secretName(name), namespace }, data };
    await cluster.apply<Secret>(secrets, secret, options);
  }

  /** Leaves things so that everything can stream: all accounts work, and there is something to stream. */
  async end(random: Random): Promise<void> {
    for (const name of this.#world.scenario.accounts) {
      await this.rotate(name, 0);
      await this.applyAccount(name, { connections: 2, instrumentsPerConnection: 20 });
    }
    await this.applySet(random, this.#world.scenario.sets[0]);
  }

  async #gone(deleting: Promise<void>): Promise<void> {
    try {
      await deleting;
    } catch (error) {
      if (!hasCode(error, 'CLUSTER_NOT_FOUND')) throw error;
    }
  }
}

export function one(names: readonly string[], random: Random): string {
  return names[random.integer(names.length)]!;
}
