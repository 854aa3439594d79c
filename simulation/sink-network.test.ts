import { SeededRandom } from '../runtime/random.ts';
import { VirtualClock } from '../runtime/virtual-clock.ts';
import type { SinkReader } from '../ticker/sinks/reader.ts';
import { describeSink } from '../ticker/sinks/sink.contract.ts';
import { DrivenTime } from './driven-time.testing.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { SinkNetwork, type SinkObserver } from './sink-network.ts';

const nobody: SinkObserver = {
  claimed: () => undefined,
  sent: () => undefined,
  sentLate: () => undefined,
  ended: () => undefined,
  wiped: () => undefined,
  state: () => ({}),
  rolledBack: () => undefined,
};

// As the simulation's processes reach it, each over a way of its own.
describeSink('the sink of the simulation', async () => {
  const clock = new VirtualClock();
  const time = new DrivenTime(clock);
  const readers: SinkReader[] = [];
  const network = new SinkNetwork({
    clock,
    random: new SeededRandom(1),
    observer: nobody,
    follow: (reader) => readers.push(reader),
  });
  const connect = (name: string) => time.driven(network.connect(new SimulatedProcess(name, clock)));
  const [reader] = readers;
  return { sink: connect('one'), other: connect('other'), reader: reader!, close: () => reader!.close() };
});
