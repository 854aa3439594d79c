import type { Token } from '../../../crds/index.ts';
import { lateKept, latestKept, previousKept, tokensKept, tombstoneMillis } from '../limits.ts';
import type { Answer, Call, ClaimAnswer, ClaimRequest, SealedBatch, Sink } from '../sink.ts';
import { readAnswer, readClaimAnswer } from './answers.ts';
import { Connection, type RedisOptions } from './connection.ts';
import { Directory } from './directory.ts';
import { fenceKey, lateKey, latestKey, setKeys, streamKey, timesKey } from './keys.ts';
import { ScriptCommand } from './script-command.ts';
import { allScripts, claimScript, endScript, type Script, sendLateScript, sendScript } from './scripts.ts';

export interface RedisSinkOptions extends RedisOptions {
  /** Bytes of calls without an answer, beyond which more are turned away (`SINK_UNAVAILABLE`); default 64 MiB. */
  readonly inFlightBytes?: number;
  /** Instruments in the latest values of a set and slice; default {@link latestKept}. */
  readonly latestLimit?: number;
}

/** Keys of a set outlive its last batch in a slice by this, so that what nobody feeds any more goes by itself. */
const idleMillis = tombstoneMillis + 24 * 3600 * 1000;

/**
 * Redis 7 (or Valkey) as the sink: each call is one script, whole or not at all. Needs no Redis at the start; every
 * call rejects, soon and with the reason, while there is none.
 */
export class RedisSink implements Sink {
  /** Calls are pipelined on one connection; what waits for a replica has another, and holds up none of them. */
  readonly #calls: Connection;
  readonly #claims: Connection;
  readonly #directory: Directory;
  readonly #inFlightLimit: number;
  readonly #latestLimit: string;
  #inFlight = 0;

  constructor(options: RedisSinkOptions) {
    this.#calls = new Connection(options, 'calls');
    this.#claims = new Connection(options, 'claims');
    this.#directory = new Directory(this.#claims, options.clock, idleMillis);
    this.#inFlightLimit = options.inFlightBytes ?? 64 * 1024 * 1024;
    this.#latestLimit = String(options.latestLimit ?? latestKept);
    for (const connection of [this.#calls, this.#claims]) {
      connection.client.on('ready', () => void loadScripts(connection));
    }
  }

  async claim(request: ClaimRequest): Promise<ClaimAnswer> {
    await Promise.all([this.#claims.ready(), this.#calls.ready()]);
    const { sliceUid, epoch, above, setUids } = request;
    const keys = [fenceKey(sliceUid), ...setUids.flatMap((setUid) => setKeys(sliceUid, setUid))];
    const args = [epoch, above, tokensKept, previousKept, idleMillis, ...setUids].map(String);
    const answer = readClaimAnswer(await run(this.#claims, claimScript, keys, args), epoch);
    if (answer.kind === 'claimed') {
      await this.#directory.enter(sliceUid, setUids);
      await this.#awaitReplica();
    }
    return answer;
  }

  async send(call: Call): Promise<Answer> {
    const { sliceUid, token, n, batches } = call;
    const keys = [fenceKey(sliceUid)];
    const args: (string | Buffer)[] = [String(token.epoch), String(token.claim), String(n), this.#latestLimit];
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
    const answer = await this.#bounded(batches, () => run(this.#calls, sendScript, keys, args));
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
    return this.#bounded(batches, () => run(this.#calls, sendLateScript, keys, args));
  }

  async end(sliceUid: string, token: Token): Promise<Answer> {
    await this.#claims.ready();
    const fields = await this.#claims.client.hkeys(fenceKey(sliceUid)).catch(this.#claims.rejected);
    const known = fields.filter((field) => field.startsWith('set:')).map((field) => field.slice(4));
    const setUids = new Set([...known, ...this.#directory.setsOf(sliceUid)]);
    const keys = [fenceKey(sliceUid), ...[...setUids].flatMap((setUid) => setKeys(sliceUid, setUid))];
    const args = [token.epoch, token.claim, tombstoneMillis].map(String);
    const answer = readAnswer(await run(this.#claims, endScript, keys, args));
    if (answer.kind === 'written') {
      await this.#awaitReplica();
      await this.#directory.leave(sliceUid, [...setUids]);
      this.#directory.forget(sliceUid);
    }
    return answer;
  }

  async ping(): Promise<void> {
    await Promise.all(
      [this.#calls, this.#claims].map(async (connection) => {
        await connection.ready();
        await connection.client.ping().catch(connection.rejected);
      }),
    );
  }

  async close(): Promise<void> {
    this.#calls.close();
    this.#claims.close();
  }

  async #bounded(batches: readonly SealedBatch[], act: () => Promise<unknown>): Promise<Answer> {
    const size = batches.reduce((sum, batch) => sum + batch.payload.length, 0);
    if (this.#inFlight > 0 && this.#inFlight + size > this.#inFlightLimit) {
      throw this.#calls.unavailable(`${this.#inFlight} bytes of calls have no answer yet`);
    }
    this.#inFlight += size;
    try {
      return readAnswer(await act());
    } finally {
      this.#inFlight -= size;
    }
  }

  /** A claim counts once a replica has it, where there are replicas: else a failover could forget it. */
  async #awaitReplica(): Promise<void> {
    const { client, rejected, commandTimeout } = this.#claims;
    const info = await client.info('replication').catch(rejected);
    // One that still loads its first copy confirms nothing, for as long as that takes.
    if (!/^slave\d+:.*state=online/m.test(info)) return;
    const wait = Math.floor(commandTimeout / 2);
    const reached = await client.wait(1, wait).catch(rejected);
    if (reached < 1) throw this.#claims.unavailable(`no replica has confirmed the claim within ${wait} ms`);
  }
}

/** Failing to load costs a round trip: what is missing is sent in full. */
async function loadScripts(connection: Connection): Promise<void> {
  await Promise.allSettled(allScripts.map((script) => connection.client.script('LOAD', script.source)));
}

/** Writes the command in the turn it is called in, so that calls keep their order. */
async function run(
  connection: Connection,
  script: Script,
  keys: readonly string[],
  args: readonly (string | Buffer)[],
): Promise<unknown> {
  try {
    return await connection.client.sendCommand(new ScriptCommand(script.sha, keys, args));
  } catch (error) {
    const unknown = error instanceof Error && error.message.startsWith('NOSCRIPT');
    if (!unknown) return connection.rejected(error);
    return await connection.client.eval(script.source, keys.length, ...keys, ...args).catch(connection.rejected);
  }
}

function bytes(payload: string | Uint8Array): string | Buffer {
  return typeof payload === 'string' ? payload : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
}
