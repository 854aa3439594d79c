import { z } from 'zod';
import { badFault } from './errors.ts';
import type { FaultState } from './fault-state.ts';
import type { Feed } from './feed.ts';
import type { FeedConnection } from './feed-connection.ts';
import type { SimulatorLimits } from './limits.ts';
import type { Login, Logins } from './logins.ts';

const apiKey = z.string().max(128).optional().describe('only this login; all when absent');
const connection = z.int().min(1).optional().describe('only this connection, by its id; all when absent');
const times = z.int().min(1).max(1_000_000).optional().describe('how many times; unlimited when absent');
const duration = z.number().min(0).max(86_400_000).optional().describe('milliseconds; until resumed when absent');
const status = z.union([
  z.literal(400),
  z.literal(403),
  z.literal(429),
  z.literal(500),
  z.literal(502),
  z.literal(503),
  z.literal(504),
]);
const share = z.number().min(0).max(1).default(0.5).describe('of the tokens');
const target = { apiKey, connection };

/** Everything that can be ordered, by the name in `fault`. */
const orders = [
  z.object({
    fault: z.literal('disconnect').describe('Close connections now: with a close frame, or by cutting TCP.'),
    ...target,
    clean: z.boolean().default(false),
    code: z.int().min(1000).max(4999).default(1001),
  }),
  z.object({
    fault: z
      .literal('stall')
      .describe('Go quiet: no ticks but heartbeats; nothing (silent); nothing and read nothing (dead).'),
    ...target,
    kind: z.enum(['ticks', 'silent', 'dead']).default('silent'),
    duration,
  }),
  z.object({ fault: z.literal('resume').describe('End a stall.'), ...target }),
  z.object({
    fault: z.literal('corruptFrame').describe('Damage the next frame with ticks.'),
    ...target,
    kind: z.enum(['truncatedFrame', 'unknownPacket', 'missingPackets', 'overlongPacket', 'garbage']),
    times: z.int().min(1).max(1000).default(1),
  }),
  z.object({
    fault: z.literal('loseSubscriptions').describe('Stop ticks of a share of what is subscribed, in silence.'),
    ...target,
    share,
  }),
  z.object({
    fault: z.literal('dropSubscribed').describe('Lose a share of the tokens of coming subscribe messages, in silence.'),
    apiKey,
    share,
    times,
  }),
  z.object({
    fault: z.literal('refuseUpgrade').describe('Answer WebSocket upgrades with this status.'),
    apiKey,
    status: status.default(403),
    times,
  }),
  z.object({
    fault: z.literal('refuseRest').describe('Answer REST requests with this status.'),
    apiKey,
    status: status.default(429),
    path: z.string().max(200).optional().describe('only paths that start so, e.g. /quote'),
    times,
  }),
  z.object({
    fault: z.literal('delayLogin').describe('Answer upgrades, /session/token and /user/profile this much later.'),
    milliseconds: z.number().min(0).max(600_000),
  }),
  z.object({
    fault: z
      .literal('retainClosed')
      .describe('Closed connections count against the limit for this long: half-open ones.'),
    milliseconds: z.number().min(0).max(3_600_000),
  }),
  z.object({
    fault: z.literal('limits').describe('Change what the broker allows.'),
    connections: z.int().min(0).max(1000).optional(),
    instruments: z.int().min(0).max(1_000_000).optional(),
    atLimit: z.enum(['refuse', 'evictOldest']).optional(),
  }),
  z.object({
    fault: z
      .literal('expireToken')
      .describe('Refuse the access token from now on; open connections stay, unless `disconnect`.'),
    apiKey,
    disconnect: z.boolean().default(false),
  }),
  z.object({
    fault: z.literal('rotateToken').describe('Give a login another access token; the old one is refused from now on.'),
    apiKey: z.string().max(128),
    accessToken: z.string().max(128),
    disconnect: z.boolean().default(false),
  }),
  z.object({
    fault: z.literal('text').describe('Send a text message, such as an order update or an error.'),
    ...target,
    type: z.enum(['order', 'error', 'message']).default('message'),
    data: z.json(),
  }),
  z.object({ fault: z.literal('clear').describe('End every stall and forget every order; limits and tokens stay.') }),
] as const;

const faultOrder = z.discriminatedUnion('fault', orders);

/** What {@link Faults.order} takes. */
export type FaultOrder = z.input<typeof faultOrder>;

/** Orders faults of the simulated broker. */
export class Faults {
  readonly #feed: Feed;
  readonly #logins: Logins;
  readonly #limits: SimulatorLimits;
  readonly #state: FaultState;

  constructor(feed: Feed, logins: Logins, limits: SimulatorLimits, state: FaultState) {
    this.#feed = feed;
    this.#logins = logins;
    this.#limits = limits;
    this.#state = state;
  }

  /**
   * Orders one fault. Returns how many connections or logins it touched.
   *
   * @throws `SIMULATOR_BAD_FAULT` where the order is malformed or names a login that is not there
   */
  order(input: FaultOrder): { touched: number } {
    return this.orderUnchecked(input);
  }

  /** {@link order} for what came from outside. */
  orderUnchecked(input: unknown): { touched: number } {
    const parsed = faultOrder.safeParse(input);
    if (!parsed.success) throw badFault(`the fault cannot be ordered: ${z.prettifyError(parsed.error)}`);
    return this.#apply(parsed.data);
  }

  #apply(order: z.output<typeof faultOrder>): { touched: number } {
    const state = this.#state;
    const unlimited = Number.POSITIVE_INFINITY;
    switch (order.fault) {
      case 'disconnect':
        return this.#each(order, (connection) => connection.disconnect(order.clean, order.code, 'Ordered'));
      case 'stall':
        return this.#each(order, (connection) => connection.stall(order.kind, order.duration));
      case 'resume':
        return this.#each(order, (connection) => connection.resume());
      case 'corruptFrame':
        return this.#each(order, (connection) => {
          for (let time = 0; time < order.times; time++) connection.corruptNext(order.kind);
        });
      case 'loseSubscriptions':
        return this.#each(order, (connection) => connection.loseSubscriptions(order.share));
      case 'text':
        return this.#each(order, (connection) => connection.sendText(order.type, order.data));
      case 'dropSubscribed':
        state.dropSubscribed(order.share, order.times ?? unlimited, order.apiKey);
        return { touched: 0 };
      case 'refuseUpgrade':
        return this.#refuse('upgrade', order.status, order.times ?? unlimited, order.apiKey);
      case 'refuseRest':
        return this.#refuse('rest', order.status, order.times ?? unlimited, order.apiKey, order.path);
      case 'delayLogin':
        state.loginDelay = order.milliseconds;
        return { touched: 0 };
      case 'retainClosed':
        state.retainClosed = order.milliseconds;
        return { touched: 0 };
      case 'limits':
        this.#limits.connections = order.connections ?? this.#limits.connections;
        this.#limits.instruments = order.instruments ?? this.#limits.instruments;
        this.#limits.atLimit = order.atLimit ?? this.#limits.atLimit;
        return { touched: 0 };
      case 'expireToken':
        return this.#eachLogin(order, (login) => this.#logins.expire(login));
      case 'rotateToken':
        return this.#eachLogin(order, (login) => this.#logins.rotate(login, order.accessToken));
      case 'clear':
        state.clear();
        return this.#each({}, (connection) => connection.resume());
    }
  }

  /** What can be ordered, and what is in force: the answer of `GET /simulator/faults`. */
  describe(): object {
    return {
      usage:
        'POST one order as application/json, e.g. {"fault":"stall","kind":"silent","duration":10000}; DELETE clears',
      inForce: this.#state.describe(),
      limits: this.#limits,
      orders: Object.fromEntries(
        orders.map(({ shape }) => [
          shape.fault.value,
          {
            does: shape.fault.description,
            fields: Object.fromEntries(
              Object.entries(shape)
                .filter(([name]) => name !== 'fault')
                .map(([name, field]) => {
                  const { $schema: _same, ...schema } = z.toJSONSchema(field, { io: 'input' });
                  return [name, schema];
                }),
            ),
          },
        ]),
      ),
    };
  }

  #refuse(
    kind: 'upgrade' | 'rest',
    status: number,
    times: number,
    apiKey?: string,
    path?: string,
  ): { touched: number } {
    if (!this.#state.refuse(kind, status, times, apiKey, path)) {
      throw badFault('too many refusals are ordered already: clear them first');
    }
    return { touched: 0 };
  }

  #each(
    target: { apiKey?: string | undefined; connection?: number | undefined },
    act: (connection: FeedConnection) => void,
  ): { touched: number } {
    const found = this.#feed.open.filter(
      ({ id, login }) =>
        (target.connection === undefined || target.connection === id) &&
        (target.apiKey === undefined || target.apiKey === login.apiKey),
    );
    for (const connection of found) act(connection);
    return { touched: found.length };
  }

  #eachLogin(
    target: { apiKey?: string | undefined; disconnect: boolean },
    act: (login: Login) => void,
  ): { touched: number } {
    const found = this.#logins.all.filter(({ apiKey }) => target.apiKey === undefined || target.apiKey === apiKey);
    if (found.length === 0) throw badFault('there is no login of this API key');
    for (const login of found) act(login);
    if (target.disconnect) this.#each({ apiKey: target.apiKey }, (connection) => connection.disconnect(true, 1008));
    return { touched: found.length };
  }
}
