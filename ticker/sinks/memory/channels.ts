import type { Published, Unsubscribe } from '../reader.ts';

/** Channels within the process: whoever subscribes gets what is published from then on. */
export class Channels {
  readonly #subscribers = new Map<string, Set<(message: Published) => void>>();

  subscribe(channel: string, deliver: (message: Published) => void): Unsubscribe {
    const own = (message: Published): void => deliver(message);
    const subscribers = this.#subscribers.get(channel) ?? new Set();
    this.#subscribers.set(channel, subscribers.add(own));
    return () => {
      subscribers.delete(own);
      if (subscribers.size === 0 && this.#subscribers.get(channel) === subscribers) this.#subscribers.delete(channel);
      return Promise.resolve();
    };
  }

  /** A subscriber that throws does not keep the others, or the publisher, from going on: its error is reported apart. */
  publish(message: Published): void {
    for (const deliver of this.#subscribers.get(message.channel) ?? []) {
      try {
        deliver(message);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
