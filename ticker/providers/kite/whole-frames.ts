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

/** Bytes of a frame's beginning that there is room for at least, once one had to wait. */
const leastBegun = 4096;

/**
 * What the sockets of a thread read into, one after another: what one has read is handed on before the next reads. Memory
 * of its own would cost a connection as much as some hundred instruments.
 */
const shared = Buffer.allocUnsafeSlow(readBytes);

/**
 * Memory that a WebSocket's bytes are read into, again and again. Hands on whole frames only, so that whoever takes them
 * apart keeps nothing of it: fresh memory for each read, and a message joined from two reads, would be most of what the
 * collector has to do.
 */
export class WholeFrames {
  readonly #mostBytes: number;
  /** Its own while a frame is longer than what is shared. */
  #memory = shared;
  /** Bytes that were not handed on yet: the frame that has begun. */
  #kept = 0;
  /** These bytes, while others read into the same memory. */
  #begun = Buffer.alloc(0);
  /** The most of them lately, and in how many reads. */
  #mostBegun = 0;
  #reads = 0;
  #broken = false;
  /** Reads since {@link readBytes} were not enough. */
  #small = 0;

  /** @param mostBytes of a frame. A longer one is handed on as it comes: to be refused there. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** Where the next bytes go. Ask after every {@link filled}. */
  get space(): Buffer {
    return this.#memory.subarray(this.#kept);
  }

  /**
   * So many bytes were read into {@link space}, and nothing by any other since.
   *
   * @param take gets frames one after another. Where `kept`, it may keep these bytes; else they are overwritten later.
   */
  filled(bytes: number, take: (frames: Buffer, kept: boolean) => void): void {
    const memory = this.#memory;
    if (memory === shared) this.#begun.copy(memory, 0, 0, this.#kept);
    const end = this.#kept + bytes;
    let messages = true;
    let at = 0;
    let needed = 0;
    while (at < end && !this.#broken) {
      needed = frameBytes(memory, at, end);
      if (needed > this.#mostBytes + longestHeader) this.#broken = true;
      if (at + needed > end) break;
      // The parts of a message, and what is said of a connection's end, are kept until later.
      const first = memory[at]!;
      if (first !== wholeBinary && first !== wholeText) messages = false;
      at += needed;
      needed = 0;
    }
    if (this.#broken) {
      at = end;
      messages = false;
    }
    const frames = memory.subarray(0, at);
    if (at > 0) take(messages ? frames : Buffer.from(frames), !messages);
    this.#keep(at, end, needed);
  }

  /**
   * Keeps what has begun, from `start` to `end`, where the next bytes are to go behind it.
   *
   * @param needed bytes of the frame that has begun, as far as that is known
   */
  #keep(start: number, end: number, needed: number): void {
    const from = this.#memory;
    this.#kept = end - start;
    this.#small = needed > readBytes ? 0 : this.#small + 1;
    if (needed > from.length) this.#memory = Buffer.allocUnsafeSlow(Math.max(needed, 2 * from.length));
    else if (this.#small > shrinkAfter) this.#memory = shared;
    if (this.#memory === shared) this.#reserve();
    from.copy(this.#memory === shared ? this.#begun : this.#memory, 0, start, end);
  }

  /** Room for what has begun, and not much more than lately was needed. */
  #reserve(): void {
    this.#mostBegun = Math.max(this.#mostBegun, this.#kept);
    const enough = 2 * Math.max(leastBegun, this.#mostBegun);
    if (this.#kept > this.#begun.length) this.#begun = Buffer.allocUnsafeSlow(enough);
    if (++this.#reads < shrinkAfter) return;
    if (this.#begun.length > 2 * enough) this.#begun = Buffer.allocUnsafeSlow(enough);
    this.#reads = 0;
    this.#mostBegun = 0;
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
