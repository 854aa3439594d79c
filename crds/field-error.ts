import { type FieldPath, formatPath } from './field-path.ts';

/** One thing that is wrong with an object. */
export interface FieldError {
  /** e.g. `spec.optionChains[0].strikes.aroundMoney`; empty for the object as a whole. */
  readonly path: string;
  readonly message: string;
  /** What to write instead, where the message does not say it. */
  readonly remedy?: string;
}

/** The most errors that are told of one object; the last says how many more there are. */
export const maxErrors = 50;

/** Gathers errors, in order and bounded. */
export class FieldErrors {
  readonly list: FieldError[] = [];
  #more = 0;

  get empty(): boolean {
    return this.list.length === 0;
  }

  add(path: FieldPath, message: string, remedy?: string): void {
    if (this.list.length >= maxErrors) this.#more++;
    else this.list.push({ path: formatPath(path), message, ...(remedy === undefined ? {} : { remedy }) });
  }

  /** The errors, with a last one that counts those left out. */
  finish(): FieldError[] {
    if (this.#more === 0) return this.list;
    return [...this.list, { path: '', message: `and ${this.#more} more`, remedy: 'Fix these first.' }];
  }
}
