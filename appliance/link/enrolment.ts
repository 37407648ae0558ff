import { readFileSync, rmSync, statSync } from 'node:fs';
import { type Static, Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { writeFileAtomic } from '../../base/atomic-file.ts';
import { describeError } from '../../base/errors.ts';
import type { EnrolmentAnswer } from '../../protocol/messages/answers.ts';
import { DeviceKeyId, PublicKey } from '../../protocol/messages/parts.ts';
import { ENROLMENT_FILE_MAX_BYTES } from './limits.ts';

/** That a coordinator has let this appliance in, and what came with it. */
export const Enrolment = t.Object(
  {
    format: t.Literal(1),
    /** Whose word it is: another address is another coordinator. */
    coordinator: t.String(),
    key_id: DeviceKeyId,
    device_id: t.String(),
    /** Orders signed with these are ours. Those of the first day: a later answer does not change them. */
    order_keys: t.Array(t.Object({ key_id: t.String(), public_key: PublicKey })),
  },
  { additionalProperties: false },
);
export type Enrolment = Static<typeof Enrolment>;

/** Whose enrolment is meant. */
export type EnrolmentSubject = Pick<Enrolment, 'coordinator' | 'key_id'>;

export function enrolmentFrom(answer: EnrolmentAnswer, subject: EnrolmentSubject): Enrolment {
  const { device_id, order_keys } = answer;
  return {
    ...{ format: 1, ...subject, device_id },
    order_keys: order_keys.map(({ key_id, public_key }) => ({ key_id, public_key })),
  };
}

/** Key id to raw key, as orders are checked with. */
export function orderKeysOf({ order_keys }: Enrolment): Map<string, Uint8Array> {
  return new Map(
    order_keys.map(({ key_id, public_key }) => [key_id, Uint8Array.from(Buffer.from(public_key, 'base64'))]),
  );
}

/** Where the enrolment is kept. Nothing here throws: enrolling again is cheap, a stopped agent is not. */
export interface EnrolmentFile {
  /** Null when there is none, or it is that of another key or coordinator. */
  read(subject: EnrolmentSubject): Enrolment | null;
  write(enrolment: Enrolment): void;
  remove(): void;
}

/** @param path null where nothing can be kept: then the appliance enrols with each start, which the coordinator takes as it likes */
export function enrolmentFile(path: string | null, warn: (message: string) => void): EnrolmentFile {
  const attempt = <T>(what: string, act: () => T, otherwise: T): T => {
    try {
      return act();
    } catch (error) {
      warn(`the enrolment cannot be ${what}: ${describeError(error)}`);
      return otherwise;
    }
  };
  return {
    read(subject) {
      const found = path === null ? null : attempt('read', () => readEnrolment(path), null);
      const ours = found?.key_id === subject.key_id && found.coordinator === subject.coordinator;
      return ours ? found : null;
    },
    write(enrolment) {
      if (path === null) return;
      attempt('kept', () => writeFileAtomic(path, `${JSON.stringify(enrolment)}\n`, 0o600), undefined);
    },
    remove() {
      if (path !== null) attempt('removed', () => rmSync(path, { force: true }), undefined);
    },
  };
}

/** @throws when the file is there and is none */
function readEnrolment(path: string): Enrolment | null {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return null;
  if (stat.size > ENROLMENT_FILE_MAX_BYTES) throw new Error(`${path} is too large`);
  const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (!Value.Check(Enrolment, value)) throw new Error(`${path} is of another form`);
  return value;
}
