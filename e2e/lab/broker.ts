import type { FaultOrder } from '../../ticker/providers/kite/simulator/faults.ts';
import { podPath, post } from './api.ts';
import { system } from './lab.ts';
import { pods } from './objects.ts';

/** Orders faults of the simulated broker, one after the other. */
export async function orderBroker(...orders: readonly FaultOrder[]): Promise<void> {
  const [pod] = (await pods(system, 'app=kite-simulator')).filter(({ ready, leaving }) => ready && !leaving);
  if (pod === undefined) throw new Error('no pod of the simulated broker is ready');
  for (const order of orders) await post(podPath(system, pod.name, 8080, '/simulator/faults'), order);
}

/** Ends what was ordered, and gives it its own limits back. */
export function mendBroker(): Promise<void> {
  return orderBroker({ fault: 'clear' }, { fault: 'limits', connections: 3, atLimit: 'refuse' });
}
