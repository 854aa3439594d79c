import type { RuleAction, SliceSet } from '../../../crds/index.ts';
import { Packet } from '../../tick-columns.ts';
import type { Rule } from './rule.ts';
import { rules } from './rules.ts';

/** What a set does with broken rules, as masks: bit `i` stands for `rules[i]`. */
export interface RulePolicy {
  /** Rows that break one of these are kept out of the set. */
  readonly enforced: number;
  /** Breaches of these are counted; contains `enforced`. */
  readonly counted: number;
}

/** Mask of the rules that are enforced where nothing else is said: a row that keeps them is sane. */
export const saneMask = maskOf((rule) => rule.usual === 'enforce');

/** What an instrument that no set asks for (an underlying) is held to. */
export const usualPolicy: RulePolicy = { enforced: saneMask, counted: maskOf(() => true) };

/**
 * `spec.validation` as masks. An exception by rule wins; else the set's `action` holds, but for a rule that usually only
 * reports, `enforce` means `report`.
 */
export function rulePolicy(validation: SliceSet['validation']): RulePolicy {
  const action = (rule: Rule): RuleAction => {
    const exception = validation.rules?.[rule.name];
    if (exception !== undefined) return exception;
    return validation.action === 'enforce' ? rule.usual : validation.action;
  };
  return {
    enforced: maskOf((rule) => action(rule) === 'enforce'),
    counted: maskOf((rule) => action(rule) !== 'off'),
  };
}

/** For each packet, the bits of the rules of `mask` that apply to it. */
export function rulesByPacket(mask: number): readonly (readonly number[])[] {
  const table: number[][] = [];
  for (const packet of Object.values(Packet))
    table[packet] = rules.flatMap((rule, bit) =>
      (mask & (1 << bit)) !== 0 && rule.packets.includes(packet) ? [bit] : [],
    );
  return table;
}

function maskOf(has: (rule: Rule) => boolean): number {
  return rules.reduce((mask, rule, bit) => (has(rule) ? mask | (1 << bit) : mask), 0);
}
