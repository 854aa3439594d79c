/** One timer of a virtual clock. */
export interface QueuedTimer {
  readonly at: number;
  /** Order of setting: decides between timers of the same time. */
  readonly order: number;
  /** Undefined once it was cancelled. */
  fire: (() => void) | undefined;
}

/** Cancelled timers that are left in the heap before it is cleaned: at most this many, or as many as wait. */
const leastCleaned = 64;

/** Timers by time, then by order of setting: a binary heap. Cancelled ones are skipped, and cleaned out in bulk. */
export class TimerQueue {
  #heap: QueuedTimer[] = [];
  #cancelled = 0;

  /** Timers that wait. */
  get size(): number {
    return this.#heap.length - this.#cancelled;
  }

  push(timer: QueuedTimer): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(timer);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(timer, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = timer;
  }

  cancel(timer: QueuedTimer): void {
    if (timer.fire === undefined) return;
    timer.fire = undefined;
    this.#cancelled++;
    if (this.#cancelled > leastCleaned && this.#cancelled * 2 > this.#heap.length) this.#clean();
  }

  /** The next timer's time; Infinity where none waits. */
  get nextAt(): number {
    while (this.#heap.length > 0 && this.#heap[0]!.fire === undefined) {
      this.#cancelled--;
      this.#removeFirst();
    }
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Takes the next timer out; its `fire` is what to call. Undefined where none waits. */
  shift(): (() => void) | undefined {
    if (this.nextAt === Number.POSITIVE_INFINITY) return undefined;
    const first = this.#removeFirst();
    const { fire } = first;
    first.fire = undefined;
    return fire;
  }

  #removeFirst(): QueuedTimer {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) this.#sink(last);
    return first;
  }

  /** Puts `timer` in the place of the first one, and down to where it belongs. */
  #sink(timer: QueuedTimer): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, timer)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = timer;
  }

  #clean(): void {
    const waiting = this.#heap.filter(({ fire }) => fire !== undefined);
    waiting.sort((a, b) => (isBefore(a, b) ? -1 : 1));
    this.#heap = waiting;
    this.#cancelled = 0;
  }
}

function isBefore(a: QueuedTimer, b: QueuedTimer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
