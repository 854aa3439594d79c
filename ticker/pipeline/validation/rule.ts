import type { RuleAction } from '../../../crds/index.ts';
import type { Packet, TickColumns } from '../../tick-columns.ts';

/** What a rule may compare a row with: what came before of the same instrument. One object, refilled for each row. */
export interface RowContext {
  /** The first row of the instrument on this connection: nothing before it counts. */
  first: boolean;
  /** Times in microseconds; 0 where there is none. */
  previousExchangeTime: number;
  /** Receive time of the row at which the volume last changed. */
  volumeChangedTime: number;
  /** `NaN` where there is none; so the prices. */
  previousVolume: number;
  previousPrice: number;
  /** Previous day's close as the row before said it: another one tells of a new day. */
  previousClose: number;
  /** Price that a jump is a share of: the instrument's own, of an option its underlying's (or the strike). */
  scalePrice: number;
}

/** Fields as readers know them: names of columns. */
export interface Rule {
  /** camelCase; what `spec.validation.rules` names. Says what is wrong. */
  readonly name: string;
  /** What must hold. */
  readonly description: string;
  readonly packets: readonly Packet[];
  /** Columns, by their names in a batch. */
  readonly fields: readonly string[];
  /** The strictest action that `spec.validation.action` gives it; `spec.validation.rules` may give a stricter. */
  readonly usual: Exclude<RuleAction, 'off'>;
  /** Whether the row breaks it. Pure. */
  broken(ticks: TickColumns, row: number, context: RowContext): boolean;
}
