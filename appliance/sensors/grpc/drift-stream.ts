import type { ServerDuplexStream } from '@grpc/grpc-js';
import { BulkheadError } from '../../../base/errors.ts';
import type { DriftAck, DriftEvent } from '../../../protocol/sensors/generated/compliance.ts';
import type { Detection, Receipt } from '../../findings/detection.ts';
import type { Findings } from '../../findings/findings.ts';
import type { SensorCommands } from '../commands/commands.ts';
import type { SensorRegistry } from '../registry/registry.ts';
import { COMMAND_WAIT_MS, DRIFT_IDLE_MS, DRIFT_QUEUE_MAX } from './limits.ts';
import type { Meters } from './meter.ts';
import { type Decoded, messageOf } from './methods.ts';
import { readDrift } from './read.ts';
import { statusOf } from './status.ts';
import { commandToWire } from './wire.ts';

export interface DriftParts {
  findings: Pick<Findings, 'record'>;
  commands: SensorCommands;
  registry: SensorRegistry;
  meters: Meters;
  now_ms: () => number;
  onFault: (error: unknown) => void;
  /** Default DRIFT_IDLE_MS. */
  idle_ms?: number;
}

type DriftCall = ServerDuplexStream<Decoded<DriftEvent>, DriftAck>;

/** One event as it was read. */
type Reading = { detection: Detection } | { error: unknown };

/** What became of one event: recorded, or why not. */
type Outcome = { receipt: Receipt } | { error: BulkheadError };

/**
 * One stream of events. What has come in while a commit was under way goes into the next one together; while as many wait as may, nothing
 * is read, and HTTP/2 tells the sensor to wait. Acknowledgements are in the order of the events, behind the commit that holds them.
 *
 * An event that is not of the right form is acknowledged with `received` false and the field that is wrong: the others go on. What is no
 * event at all, or of another sensor, ends the stream; and so does a store that takes nothing: then nothing of it is acknowledged.
 */
export class DriftStream {
  readonly #call: DriftCall;
  readonly #sensor: string;
  readonly #parts: DriftParts;
  #queue: Decoded<DriftEvent>[] = [];
  #no_more = false;
  #over = false;
  #stopping: BulkheadError | null = null;
  /** Commands that went over this stream: a heartbeat brings them again, this does not. */
  #handed = new Set<string>();
  #wake = () => {};
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(call: DriftCall, sensor: string, parts: DriftParts) {
    this.#call = call;
    this.#sensor = sensor;
    this.#parts = parts;
    call.on('data', (decoded: Decoded<DriftEvent>) => {
      this.#queue.push(decoded);
      if (this.#queue.length >= DRIFT_QUEUE_MAX) call.pause();
      this.#wake();
    });
    call.on('end', () => {
      this.#no_more = true;
      this.#wake();
    });
    for (const event of ['cancelled', 'close', 'error'])
      call.on(event, () => {
        this.#over = true;
        this.#wake();
      });
  }

  /** Runs until the stream has ended one way or the other; never rejects. */
  async run(): Promise<void> {
    try {
      while (!this.#over) {
        if (this.#stopping) throw this.#stopping;
        if (this.#queue.length === 0) {
          if (this.#no_more) break;
          await this.#more();
          clearTimeout(this.#idle);
          continue;
        }
        const batch = this.#queue.splice(0, DRIFT_QUEUE_MAX);
        this.#call.resume();
        await this.#take(batch);
      }
      if (!this.#over) this.#call.end();
    } catch (error) {
      this.#end(error);
    } finally {
      clearTimeout(this.#idle);
    }
  }

  /** At once: what is being written is not acknowledged any more. */
  cut(reason: BulkheadError): void {
    this.#end(reason);
    this.#wake();
  }

  /** When what is being written has been acknowledged. */
  stop(reason: BulkheadError): void {
    this.#stopping = reason;
    this.#wake();
  }

  #end(reason: unknown): void {
    if (this.#over) return;
    this.#over = true;
    // grpc-js ends the call with this status; an error is its way to be told.
    this.#call.emit('error', statusOf(reason, this.#parts.onFault));
  }

  #more(): Promise<void> {
    const idle_ms = this.#parts.idle_ms ?? DRIFT_IDLE_MS;
    this.#idle = setTimeout(
      () =>
        this.stop(new BulkheadError('SENSOR_IDLE', `no event has come in ${Math.round(idle_ms / 1000)} s`)),
      idle_ms,
    );
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  async #take(batch: readonly Decoded<DriftEvent>[]): Promise<void> {
    const { registry, meters, now_ms } = this.#parts;
    const wait_ms = meters.owe(this.#sensor, batch.length, now_ms());
    if (wait_ms > 0) await Bun.sleep(wait_ms);
    // Before it is recorded: whoever is told of an event asks whether its sensor can be reached.
    registry.heard(this.#sensor, null);
    const { outcomes, fatal } = await this.#record(batch);
    await this.#answer(outcomes);
    if (fatal) throw fatal;
  }

  /** @returns what became of those in front of one that ends the stream, and that one */
  async #record(batch: readonly Decoded<DriftEvent>[]): Promise<{ outcomes: Outcome[]; fatal: unknown }> {
    const readings: Reading[] = [];
    let fatal: unknown = null;
    for (const decoded of batch) {
      const reading = this.#read(decoded);
      if ('error' in reading && !isOfOneEvent(reading.error)) {
        fatal = reading.error;
        break;
      }
      readings.push(reading);
    }
    const detections = readings.flatMap((reading) => ('detection' in reading ? [reading.detection] : []));
    const recorded = await this.#recordAll(detections);
    const outcomes = readings.flatMap((reading): Outcome[] => {
      if ('error' in reading) return isOfOneEvent(reading.error) ? [{ error: reading.error }] : [];
      return recorded.splice(0, 1);
    });
    return { outcomes, fatal };
  }

  #read(decoded: Decoded<DriftEvent>): Reading {
    try {
      const sensor = this.#parts.registry.find(this.#sensor);
      if (sensor === null)
        throw new BulkheadError('SENSOR_UNAUTHENTICATED', 'this sensor is not known any more');
      return { detection: readDrift(messageOf(decoded), sensor) };
    } catch (error) {
      return { error };
    }
  }

  /** All at once; where one of them is the reason that they are refused, one after the other. @throws what the store throws */
  async #recordAll(detections: readonly Detection[]): Promise<Outcome[]> {
    if (detections.length === 0) return [];
    const { findings } = this.#parts;
    try {
      return (await findings.record(detections)).map((receipt) => ({ receipt }));
    } catch (error) {
      if (!isOfOneEvent(error)) throw error;
      if (detections.length === 1) return [{ error }];
    }
    const outcomes: Outcome[] = [];
    for (const detection of detections) outcomes.push(...(await this.#recordAll([detection])));
    return outcomes;
  }

  async #answer(outcomes: readonly Outcome[]): Promise<void> {
    const opened = outcomes.some(
      (outcome) => 'receipt' in outcome && outcome.receipt.transition === 'opened',
    );
    if (opened) await this.#decided();
    for (const outcome of outcomes) {
      if (this.#over) return;
      const event =
        'receipt' in outcome
          ? { event_id: outcome.receipt.event_id, received: true, error: '' }
          : { event_id: '', received: false, error: outcome.error.message };
      const heal_command = this.#nextCommand();
      if (!this.#call.write({ ...event, heal_command })) await this.#drained();
    }
  }

  /** Whoever heals hears of a finding behind the commit, and needs a moment to put on record what it will do. */
  #decided(): Promise<void> {
    const { commands, registry } = this.#parts;
    const tier = registry.find(this.#sensor)?.tier;
    if (tier === undefined || tier === 'monitor_only' || this.#waiting().length > 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        end();
        resolve();
      };
      const timer = setTimeout(done, COMMAND_WAIT_MS);
      const end = commands.onGiven((sensor) => {
        if (sensor === this.#sensor) done();
      });
    });
  }

  #waiting() {
    return this.#parts.commands
      .pending(this.#sensor)
      .filter(({ command_id }) => !this.#handed.has(command_id));
  }

  #nextCommand() {
    const [command] = this.#waiting();
    if (command === undefined) return undefined;
    const pending = new Set(this.#parts.commands.pending(this.#sensor).map(({ command_id }) => command_id));
    this.#handed = this.#handed.intersection(pending).add(command.command_id);
    return commandToWire(command);
  }

  /** Who does not read his acknowledgements gets no more of them, and his events are not read. */
  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        for (const event of ['drain', 'cancelled', 'close', 'error']) this.#call.off(event, done);
        resolve();
      };
      for (const event of ['drain', 'cancelled', 'close', 'error']) this.#call.on(event, done);
    });
  }
}

/** Whether an error is about one event, and its neighbours may go on. */
function isOfOneEvent(error: unknown): error is BulkheadError {
  const codes = ['SENSOR_FIELD', 'DETECTION_INVALID', 'FINDING_CHECKS_MAX'];
  return error instanceof BulkheadError && codes.includes(error.code);
}
