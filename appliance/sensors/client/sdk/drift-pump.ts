import type { ClientDuplexStream } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { BulkheadError } from '../../../../base/errors.ts';
import type { DriftAck, DriftEvent } from '../../../../protocol/sensors/generated/compliance.ts';
import type { HealCommand } from '../../commands/commands.ts';
import type { EventQueue, QueuedEvent } from './event-queue.ts';
import { ACK_TIMEOUT_MS, EVENTS_UNDER_WAY_MAX, REFUSALS_MAX } from './limits.ts';
import { commandFromWire, eventToWire, type Sender } from './wire.ts';

export interface PumpParts {
  queue: EventQueue;
  sender: Sender;
  /** How often a stream was refused at each event, by its id; outlives a connection. */
  refusals: Map<string, number>;
  onCommand: (command: HealCommand) => void;
  /** Told that an event was given up because the appliance never takes it. */
  onRefused: (event: QueuedEvent, why: string) => void;
  ack_timeout_ms?: number;
}

export interface DriftPump {
  /** There is something new in the queue. */
  wake(): void;
  /** Rejects when the stream breaks; resolves when it was finished. */
  readonly done: Promise<void>;
  /** Sends no more, waits for what is under way, ends the stream. */
  finish(): void;
  /** Breaks it off. */
  cancel(): void;
}

/**
 * Sends what waits in a queue over one stream, in order, a bounded number at a time. An event leaves the queue when its acknowledgement
 * is here: they come one an event, in order.
 */
export function startPump(stream: ClientDuplexStream<DriftEvent, DriftAck>, parts: PumpParts): DriftPump {
  const { queue, sender, refusals, onCommand, onRefused } = parts;
  const under_way: QueuedEvent[] = [];
  let sent_id = 0;
  let finishing = false;
  let settled = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();

  const settle = (end: () => void) => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    end();
  };
  const fail = (error: unknown) =>
    settle(() => {
      stream.cancel();
      reject(error);
    });
  const watch = () => {
    clearTimeout(timer);
    if (under_way.length === 0 || settled) return;
    const patience_ms = parts.ack_timeout_ms ?? ACK_TIMEOUT_MS;
    timer = setTimeout(
      () =>
        fail(
          new BulkheadError(
            'SENSOR_ACK_MISSING',
            `an event was not acknowledged within ${patience_ms / 1000} s`,
            {
              hint: 'it is sent again on a new connection',
            },
          ),
        ),
      patience_ms,
    );
  };
  const fill = () => {
    if (finishing || settled) return;
    const idle = under_way.length === 0;
    for (const next of queue.next(sent_id, EVENTS_UNDER_WAY_MAX - under_way.length)) {
      under_way.push(next);
      sent_id = next.id;
      stream.write(eventToWire(next.event, sender));
    }
    if (idle) watch();
  };
  const giveUp = (event: QueuedEvent, why: string) => {
    refusals.delete(event.event.event_id);
    queue.remove(event, true);
    onRefused(event, why);
  };
  /** The stream ended at this one; it may have been the reason, or chance. */
  const suspect = (event: QueuedEvent, why: string) => {
    const { event_id } = event.event;
    const times = (refusals.get(event_id) ?? 0) + 1;
    refusals.set(event_id, times);
    if (times >= REFUSALS_MAX) giveUp(event, why);
  };
  const acknowledged = (ack: DriftAck) => {
    const event = under_way.shift();
    if (event === undefined) return fail(new Error('the appliance acknowledged more than was sent'));
    if (ack.received) {
      refusals.delete(event.event.event_id);
      queue.remove(event);
    } else giveUp(event, ack.error); // What is not of the right form today is not tomorrow; those behind it go on.
    if (ack.heal_command !== undefined) onCommand(commandFromWire(ack.heal_command));
    watch();
    if (finishing && under_way.length === 0) stream.end();
    else fill();
  };

  // What a listener throws would end the process; a queue that cannot be written breaks this connection only.
  stream.on('data', (ack: DriftAck) => {
    try {
      if (!settled) acknowledged(ack);
    } catch (error) {
      fail(error);
    }
  });
  stream.on('error', (error) => {
    const [first] = under_way;
    // The first that is not acknowledged is what the appliance could not read.
    if (!settled && first !== undefined && 'code' in error && error.code === status.INVALID_ARGUMENT)
      suspect(first, error.message);
    fail(error);
  });
  stream.on('end', () =>
    finishing ? settle(resolve) : fail(new Error('the appliance ended the stream of events')),
  );
  fill();
  return {
    wake: fill,
    done,
    finish: () => {
      finishing = true;
      if (under_way.length === 0) stream.end();
    },
    cancel: () => fail(new Error('the stream was broken off')),
  };
}
