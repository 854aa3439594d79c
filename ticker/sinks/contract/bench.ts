import type { Token } from '../../../crds/index.ts';
import type { Published, SinkReader } from '../reader.ts';
import type { ClaimAnswer, Sink } from '../sink.ts';

/** One store, empty at the start of each test. */
export interface SinkFixture {
  readonly sink: Sink;
  readonly reader: SinkReader;
  /** A second, independent client of the same store: another shard. */
  readonly other: Sink;
  close(): Promise<void>;
}

export const slice = 'slice-uid';
export const set = 'set-uid';

/** The store of the test that runs, and what tests do with it all the time. */
export class SinkBench {
  #fixture: SinkFixture | undefined;

  open(fixture: SinkFixture): void {
    this.#fixture = fixture;
  }

  async close(): Promise<void> {
    await this.#fixture?.close();
    this.#fixture = undefined;
  }

  get sink(): Sink {
    return this.#opened.sink;
  }

  get other(): Sink {
    return this.#opened.other;
  }

  get reader(): SinkReader {
    return this.#opened.reader;
  }

  claim(epoch = 1, above = 0, setUids = [set], on = this.sink): Promise<ClaimAnswer> {
    return on.claim({ sliceUid: slice, epoch, above, setUids });
  }

  async claimed(epoch = 1, on = this.sink): Promise<Token> {
    const answer = await this.claim(epoch, 0, [set], on);
    if (answer.kind !== 'claimed') throw new Error(`the claim was answered with ${answer.kind}`);
    return answer.token;
  }

  /** The payloads of a set's stream. */
  async streamed(setUid = set, sliceUid = slice): Promise<(string | Uint8Array)[]> {
    return (await this.reader.range(sliceUid, setUid, '0', 1000)).map((entry) => entry.payload);
  }

  /** Collects what is published; `until` waits for as many messages. */
  async listen(channel = `ticks:default:${set}`) {
    const messages: Published[] = [];
    let wake = (): void => {};
    const unsubscribe = await this.reader.subscribe(channel, (message) => {
      messages.push(message);
      wake();
    });
    const until = async (count: number): Promise<string[]> => {
      while (messages.length < count) await new Promise<void>((resolve) => (wake = resolve));
      return messages.map((message) => String(message.payload));
    };
    return { messages, until, unsubscribe };
  }

  get #opened(): SinkFixture {
    if (this.#fixture === undefined) throw new Error('no store is open');
    return this.#fixture;
  }
}
