/** Refuses requests of one kind with one status, a number of times. */
interface Refusal {
  readonly target: 'upgrade' | 'rest';
  readonly status: number;
  readonly apiKey: string | undefined;
  readonly path: string | undefined;
  remaining: number;
}

interface Drop {
  readonly share: number;
  readonly apiKey: string | undefined;
  remaining: number;
}

/** Refusals waiting at a time; one more is refused. */
const refusalLimit = 100;

/** Faults that last: what the feed and the REST API ask before they answer. */
export class FaultState {
  /** Milliseconds before a login (WebSocket upgrade, session token, profile) is answered. */
  loginDelay = 0;
  /** Milliseconds for which a closed connection still counts against the limit. */
  retainClosed = 0;
  readonly #refusals: Refusal[] = [];
  #drop: Drop | undefined;

  clear(): void {
    this.loginDelay = 0;
    this.retainClosed = 0;
    this.#refusals.length = 0;
    this.#drop = undefined;
  }

  /** False when there are too many already. */
  refuse(target: 'upgrade' | 'rest', status: number, times: number, apiKey?: string, path?: string): boolean {
    if (this.#refusals.length >= refusalLimit) return false;
    this.#refusals.push({ target, status, apiKey, path, remaining: times });
    return true;
  }

  /** Status to refuse this request with; uses one of the ordered refusals up. */
  refusal(target: 'upgrade' | 'rest', apiKey: string, path = ''): number | undefined {
    const index = this.#refusals.findIndex(
      (refusal) =>
        refusal.target === target &&
        (refusal.apiKey === undefined || refusal.apiKey === apiKey) &&
        (refusal.path === undefined || path.startsWith(refusal.path)),
    );
    const found = this.#refusals[index];
    if (found === undefined) return undefined;
    found.remaining -= 1;
    if (found.remaining <= 0) this.#refusals.splice(index, 1);
    return found.status;
  }

  /** Loses a share of the tokens of the next `times` subscribe messages. */
  dropSubscribed(share: number, times: number, apiKey?: string): void {
    this.#drop = { share, apiKey, remaining: times };
  }

  dropShare(apiKey: string): number {
    const drop = this.#drop;
    if (drop === undefined || (drop.apiKey !== undefined && drop.apiKey !== apiKey)) return 0;
    drop.remaining -= 1;
    if (drop.remaining <= 0) this.#drop = undefined;
    return drop.share;
  }

  describe(): object {
    return {
      loginDelay: this.loginDelay,
      retainClosed: this.retainClosed,
      refusals: this.#refusals.map(({ target, status, path, remaining }) => ({
        target,
        status,
        path,
        remaining: finite(remaining),
      })),
      dropSubscribed:
        this.#drop === undefined ? null : { share: this.#drop.share, remaining: finite(this.#drop.remaining) },
    };
  }
}

function finite(count: number): number | 'unlimited' {
  return Number.isFinite(count) ? count : 'unlimited';
}
