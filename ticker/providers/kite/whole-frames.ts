/** Bytes that are read at once, at most; more for a frame that is longer. */
const readBytes = 256 * 1024;
/** Reads after which memory that was made for a longer frame goes, where none of them needed it. */
const shrinkAfter = 256;
/** Bytes of a WebSocket frame's header, at most. */
const longestHeader = 14;
/** First byte of a frame that is a whole message, text or binary (RFC 6455, 5.2). */
const wholeText = 0x81;
const wholeBinary = 0x82;
const lengthBits = 0x7f;
const maskBit = 0x80;

/**
 * Memory that a WebSocket's bytes are read into, again and again. Hands on whole frames only, so that whoever takes them
 * apart keeps nothing of it: fresh memory for each read, and a message joined from two reads, would be most of what the
 * collector has to do.
 */
export class WholeFrames {
  readonly #mostBytes: number;
  #memory = Buffer.allocUnsafeSlow(readBytes);
  /** What was not handed on yet. */
  #start = 0;
  #end = 0;
  #broken = false;
  /** Reads since {@link readBytes} were not enough. */
  #small = 0;

  /** @param mostBytes of a frame. A longer one is handed on as it comes: to be refused there. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** Where the next bytes go. Ask after every {@link filled}. */
  get space(): Buffer {
    return this.#memory.subarray(this.#end);
  }

  /**
   * So many bytes were read into {@link space}.
   *
   * @param take gets frames one after another. Where `kept`, it may keep these bytes; else they are overwritten later.
   */
  filled(bytes: number, take: (frames: Buffer, kept: boolean) => void): void {
    this.#end += bytes;
    const memory = this.#memory;
    let messages = true;
    let at = this.#start;
    let needed = 0;
    while (at < this.#end && !this.#broken) {
      needed = frameBytes(memory, at, this.#end);
      if (needed > this.#mostBytes + longestHeader) this.#broken = true;
      if (at + needed > this.#end) break;
      // The parts of a message, and what is said of a connection's end, are kept until later.
      const first = memory[at]!;
      if (first !== wholeBinary && first !== wholeText) messages = false;
      at += needed;
      needed = 0;
    }
    if (this.#broken) {
      at = this.#end;
      messages = false;
    }
    const frames = memory.subarray(this.#start, at);
    this.#start = at;
    if (frames.length > 0) take(messages ? frames : Buffer.from(frames), !messages);
    this.#makeRoom(needed);
  }

  /** @param needed bytes of the frame that has begun, as far as that is known */
  #makeRoom(needed: number): void {
    const begun = this.#end - this.#start;
    const wanted = Math.max(needed, longestHeader);
    this.#small = wanted > readBytes ? 0 : this.#small + 1;
    if (this.#memory.length > readBytes && this.#small > shrinkAfter && begun <= readBytes / 2) {
      this.#move(Buffer.allocUnsafeSlow(readBytes), begun);
      return;
    }
    if (begun > 0 && this.#start + wanted <= this.#memory.length) return;
    const { length } = this.#memory;
    this.#move(wanted > length ? Buffer.allocUnsafeSlow(Math.max(wanted, 2 * length)) : this.#memory, begun);
  }

  /** What has begun goes to the start of `to`. */
  #move(to: Buffer<ArrayBuffer>, begun: number): void {
    this.#memory.copy(to, 0, this.#start, this.#end);
    this.#memory = to;
    this.#start = 0;
    this.#end = begun;
  }
}

/** Bytes of the frame at `at`, header included; of a header that is not all there, what it is known to need. */
function frameBytes(memory: Buffer, at: number, end: number): number {
  if (end - at < 2) return 2;
  const second = memory[at + 1]!;
  const mask = (second & maskBit) === 0 ? 0 : 4;
  const length = second & lengthBits;
  if (length < 126) return 2 + mask + length;
  if (length === 126) return end - at < 4 ? 4 : 4 + mask + memory.readUInt16BE(at + 2);
  if (end - at < 10) return 10;
  return 10 + mask + memory.readUInt32BE(at + 2) * 2 ** 32 + memory.readUInt32BE(at + 6);
}
