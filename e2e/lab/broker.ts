import type { FaultOrder } from '../../ticker/providers/kite/simulator/faults.ts';
import { kubectl } from './kubectl.ts';
import { system } from './lab.ts';

/** Runs in the broker's own pod. */
const program = `
  for (const body of JSON.parse(process.argv[1])) {
    const headers = { 'Content-Type': 'application/json' };
    const response = await fetch('http://127.0.0.1:8080/simulator/faults', { method: 'POST', headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(await response.text());
  }`;

/** Orders faults of the simulated broker, one after the other. */
export async function orderBroker(...orders: readonly FaultOrder[]): Promise<void> {
  const node = ['node', '--input-type=module', '-e', program, '--', JSON.stringify(orders)];
  await kubectl(['exec', 'deployment/kite-simulator', '-n', system, '--', ...node]);
}

/** Ends what was ordered, and gives it its own limits back. */
export function mendBroker(): Promise<void> {
  return orderBroker({ fault: 'clear' }, { fault: 'limits', connections: 3, atLimit: 'refuse' });
}
