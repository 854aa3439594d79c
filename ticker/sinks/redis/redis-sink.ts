import type { Token } from '../../../crds/index.ts';
import { lateKept, latestKept, previousKept, tokensKept, tombstoneMillis } from '../limits.ts';
import type { Answer, Call, ClaimAnswer, ClaimRequest, MarkAnswer, SealedBatch, Sink } from '../sink.ts';
import { readAnswer, readClaimAnswer, readMarkAnswer } from './answers.ts';
import type { Connection, RedisOptions } from './connection.ts';
import { Directory } from './directory.ts';
import { fenceKey, lateKey, latestKey, setKeys, streamKey, timesKey } from './keys.ts';
import { RedisNodes } from './redis-nodes.ts';
import { ScriptCommand } from './script-command.ts';
import { allScripts, claimScript, endScript, markScript, type Script, sendLateScript, sendScript } from './scripts.ts';

export interface RedisSinkOptions extends RedisOptions {
  /** Bytes of calls without an answer, beyond which more are turned away (`SINK_UNAVAILABLE`); default 64 MiB. */
  readonly inFlightBytes?: number;
  /** Instruments in the latest values of a set and slice; default {@link latestKept}. */
  readonly latestLimit?: number;
}

/** Keys of a set outlive its last batch in a slice by this, so that what nobody feeds any more goes by itself. */
const idleMillis = tombstoneMillis + 24 * 3600 * 1000;

/** Seconds without a word from a replica after which a claim counts without it. */
const mostReplicaLag = 5;

/** Calls are pipelined on one connection to each server; what waits for a replica has another, and holds up none of them. */
const [calls, claims] = ['calls', 'claims'] as const;

/**
 * Redis 7 (or Valkey) as the sink, one server or a cluster: each call is one script, whole or not at all. Needs no Redis
 * at the start; every call rejects, soon and with the reason, while there is none.
 */
export class RedisSink implements Sink {
  readonly #nodes: RedisNodes;
  readonly #directory: Directory;
  readonly #inFlightLimit: number;
  readonly #latestLimit: string;
  readonly #listeners = new Set<(place: string) => void>();
  #inFlight = 0;

  constructor(options: RedisSinkOptions) {
    this.#nodes = new RedisNodes(options, [calls, claims]);
    this.#nodes.each((connection, purpose) => {
      connection.client.on('ready', () => {
        void loadScripts(connection);
        if (purpose !== calls) return;
        for (const listener of this.#listeners) listener(connection.where);
      });
    });
    this.#directory = new Directory(this.#nodes, claims, idleMillis, options);
    this.#inFlightLimit = options.inFlightBytes ?? 64 * 1024 * 1024;
    this.#latestLimit = String(options.latestLimit ?? latestKept);
  }

  async claim(request: ClaimRequest): Promise<ClaimAnswer> {
    const { sliceUid, epoch, above, setUids } = request;
    const fence = fenceKey(sliceUid);
    await Promise.all([this.#nodes.ready(claims, fence), this.#nodes.ready(calls, fence)]);
    const keys = [fence, ...setUids.flatMap((setUid) => setKeys(sliceUid, setUid))];
    const args = [epoch, above, tokensKept, previousKept, idleMillis, ...setUids].map(String);
    const answer = readClaimAnswer(await this.#script(claims, claimScript, keys, args), epoch);
    if (answer.kind === 'claimed') {
      await this.#directory.enter(sliceUid, setUids);
      await this.#awaitReplica(fence);
    }
    return answer;
  }

  async send(call: Call): Promise<Answer> {
    const { sliceUid, token, n, batches } = call;
    const keys = [fenceKey(sliceUid)];
    const args: (string | Buffer)[] = [
      ...[token.epoch, token.claim, n].map(String),
      this.#latestLimit,
      call.echo ?? '',
    ];
    for (const batch of batches) {
      const latest = batch.latest ?? [];
      const bound = batch.header.count > 0 ? batch.streamMaxLength : undefined;
      if (bound !== undefined) keys.push(streamKey(sliceUid, batch.setUid));
      if (latest.length > 0) keys.push(latestKey(sliceUid, batch.setUid), timesKey(sliceUid, batch.setUid));
      args.push(
        batch.setUid,
        String(batch.header.count),
        String(batch.header.seq),
        bound === undefined ? '' : String(bound),
      );
      args.push(batch.channel ?? '', bytes(batch.payload), String(latest.length));
      for (const value of latest) args.push(value.instrument, String(value.time), value.json);
    }
    const answer = await this.#bounded(batches, () => this.#script(calls, sendScript, keys, args));
    if (answer.kind === 'written' || answer.kind === 'already') {
      await this.#directory.refresh(sliceUid, batches);
    } else if (answer.kind !== 'gap') {
      this.#directory.forget(sliceUid);
    }
    return answer;
  }

  async sendLate(call: Call): Promise<Answer> {
    const { sliceUid, token, n } = call;
    const batches = call.batches.filter((batch) => batch.header.count > 0);
    const keys = [fenceKey(sliceUid), ...batches.map((batch) => lateKey(sliceUid, batch.setUid))];
    const args: (string | Buffer)[] = [token.epoch, token.claim, n, tokensKept, idleMillis].map(String);
    for (const batch of batches) {
      args.push(String(batch.header.seq), String(batch.streamMaxLength ?? lateKept), bytes(batch.payload));
    }
    return this.#bounded(batches, () => this.#script(calls, sendLateScript, keys, args));
  }

  async mark(sliceUid: string, mark: string): Promise<MarkAnswer> {
    return readMarkAnswer(await this.#script(calls, markScript, [fenceKey(sliceUid)], ['0', '0', mark]));
  }

  async end(sliceUid: string, token: Token): Promise<Answer> {
    const fence = fenceKey(sliceUid);
    await this.#nodes.ready(claims, fence);
    const fields = await this.#nodes.run(claims, fence, (client) => client.hkeys(fence));
    const known = fields.filter((field) => field.startsWith('set:')).map((field) => field.slice(4));
    const setUids = new Set([...known, ...this.#directory.setsOf(sliceUid)]);
    const keys = [fence, ...[...setUids].flatMap((setUid) => setKeys(sliceUid, setUid))];
    const args = [token.epoch, token.claim, tombstoneMillis].map(String);
    const answer = readAnswer(await this.#script(claims, endScript, keys, args));
    if (answer.kind === 'written') {
      await this.#awaitReplica(fence);
      await this.#directory.leave(sliceUid, [...setUids]);
      this.#directory.forget(sliceUid);
    }
    return answer;
  }

  placeOf(sliceUid: string): string {
    return this.#nodes.placeOf(fenceKey(sliceUid));
  }

  onReachable(listener: (place: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  ping(): Promise<void> {
    return this.#nodes.ping([calls, claims]);
  }

  async close(): Promise<void> {
    this.#nodes.close();
  }

  async #bounded(batches: readonly SealedBatch[], act: () => Promise<unknown>): Promise<Answer> {
    const size = batches.reduce((sum, batch) => sum + batch.payload.length, 0);
    if (this.#inFlight > 0 && this.#inFlight + size > this.#inFlightLimit) {
      throw this.#nodes.unavailable(`${this.#inFlight} bytes of calls have no answer yet`);
    }
    this.#inFlight += size;
    try {
      return readAnswer(await act());
    } finally {
      this.#inFlight -= size;
    }
  }

  /** A claim counts once a replica has it, where there are replicas: else a failover could forget it. */
  async #awaitReplica(fence: string): Promise<void> {
    const info = await this.#nodes.run(claims, fence, (client) => client.info('replication'));
    if (!replicaListens(info)) return;
    await this.#nodes.run(claims, fence, async (client, { commandTimeout, unavailable }) => {
      const wait = Math.floor(commandTimeout / 2);
      if ((await client.wait(1, wait)) < 1) throw unavailable(`no replica has confirmed the claim within ${wait} ms`);
    });
  }

  /** Writes the command in the turn it is called in, so that calls keep their order. */
  async #script(
    purpose: string,
    script: Script,
    keys: readonly string[],
    args: readonly (string | Buffer)[],
  ): Promise<unknown> {
    const fence = keys[0]!;
    try {
      return await this.#nodes.run(purpose, fence, async (client) =>
        client.sendCommand(new ScriptCommand(script.sha, keys, args)),
      );
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return await this.#nodes.run(purpose, fence, (client) =>
        client.eval(script.source, keys.length, ...keys, ...args),
      );
    }
  }
}

/**
 * Whether a replica confirms what it is sent. One that still loads its first copy does not, for as long as that takes;
 * nor does one that hangs, which confirms nothing for seconds (each does every second) and is only dropped by Redis later.
 */
function replicaListens(replication: string): boolean {
  for (const [, state, lag] of replication.matchAll(/^slave\d+:.*state=(\w+).*lag=(\d+)/gm)) {
    if (state === 'online' && Number(lag) <= mostReplicaLag) return true;
  }
  return false;
}

/** Failing to load costs a round trip: what is missing is sent in full. */
async function loadScripts({ client }: Connection): Promise<void> {
  await Promise.allSettled(allScripts.map((script) => client.script('LOAD', script.source)));
}

function bytes(payload: string | Uint8Array): string | Buffer {
  return typeof payload === 'string' ? payload : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
}
