import { deviceIdOf } from '../../base/signing/key-id.ts';
import { generateSigner, type TestKey } from '../../base/signing/test-key.ts';
import { VERSION } from '../../base/version.ts';
import { signRequest } from '../../protocol/http-signature/sign.ts';
import { type SessionKey, sessionSigner } from '../../protocol/session-key/session-key.ts';
import { type Answer, type CoordinatorLab, readAnswer } from './coordinator-lab.ts';

export interface SendOptions {
  /** Instead of the next one. */
  sequence?: number;
  /** Instead of the coordinator's time. */
  created_s?: number;
  /** Signed for this address instead of the one it is sent to. */
  signedFor?: string;
  /** Sent instead of the body that was signed. */
  otherBody?: string;
  /** Fields that are added or, with null, left out. */
  fields?: Record<string, string | null>;
  signWith?: TestKey;
  /** Signed with this session key instead of the device's own. */
  session?: SessionKey;
}

/** A coordinator, as far as a device knows it. */
export type Where = Pick<CoordinatorLab, 'url' | 'now_ms'>;

/** Somebody with a key who talks to a coordinator as an appliance does. */
export class Device {
  key: TestKey = generateSigner();
  sequence = 0;
  id = '';
  readonly lab: Where;

  constructor(lab: Where) {
    this.lab = lab;
  }

  get key_id(): string {
    return deviceIdOf(this.key.public_key);
  }

  get public_key(): string {
    return Buffer.from(this.key.public_key).toString('base64');
  }

  async send(path: string, body: unknown, options: SendOptions = {}): Promise<Answer> {
    this.sequence += 1;
    const sequence = options.sequence ?? this.sequence;
    const created_s = options.created_s ?? Math.floor(this.lab.now_ms() / 1000);
    const text = JSON.stringify(body);
    const key = options.signWith ?? this.key;
    const signed = signRequest(
      {
        method: 'POST',
        url: new URL(path, options.signedFor ?? this.lab.url),
        body: new TextEncoder().encode(text),
      },
      options.session ? sessionSigner(options.session) : { key_id: this.key_id, sign: key.sign },
      { sequence, created_s },
    );
    const fields = Object.entries({ ...signed, 'content-type': 'application/json', ...options.fields });
    const headers = Object.fromEntries(
      fields.filter((field): field is [string, string] => field[1] !== null),
    );
    return await readAnswer(
      await fetch(this.lab.url + path, { method: 'POST', headers, body: options.otherBody ?? text }),
    );
  }

  async enrol(facts: Record<string, unknown> = {}, provision_code?: string): Promise<Answer> {
    const answer = await this.send('/agent/enrol', {
      public_key: this.public_key,
      facts: {
        ...{ hostname: 'bulkhead-1a2b3c', serial: null, product_uuid: null, mac: null, hardware: 'hp-t640' },
        ...{ agent_version: VERSION, image_version: VERSION, ...facts },
      },
      ...(provision_code === undefined ? {} : { provision_code }),
    });
    this.id = String(answer.body['device_id']);
    return answer;
  }

  heartbeat(changed: Record<string, unknown> = {}, options: SendOptions = {}): Promise<Answer> {
    const body = { agent_version: VERSION, uptime_s: 60, state_digest: null, ...changed };
    return this.send('/agent/heartbeat', body, options);
  }
}

/** A device that an operator has let in. */
export async function approvedDevice(
  lab: CoordinatorLab,
  facts: Record<string, unknown> = {},
): Promise<Device> {
  const device = new Device(lab);
  await device.enrol(facts);
  const { status } = await lab.call('POST', `/api/v1/devices/${device.id}/approve`, {}, await lab.admin());
  if (status !== 200) throw new Error(`approving ended with ${status}`);
  return device;
}
