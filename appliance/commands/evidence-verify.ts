import type { Command } from 'commander';
import { type CommandIo, printFacts } from '../../base/command-line.ts';

/** Something is wrong with the evidence. 1 is for what could not be verified, as with every other command. */
const NOT_WHOLE = 2;

interface VerifyOptions {
  key?: string[];
  deviceKey?: string[];
  coordinatorKey?: string[];
  checkpoints?: string;
  json?: true;
}

const collect = (value: string, before: string[] = []) => [...before, value];

/** `bulkhead evidence verify`: on any machine, without root, without a network. */
export function registerEvidenceVerify(evidence: Command, io: CommandIo): void {
  evidence
    .command('verify')
    .description('whether an export is whole, and which record is the first bad one')
    .argument('<path>', 'an export, a folder of exports, or a copy of the folder that the log is kept in')
    .option('--key <key>', 'the evidence key; may be given several times', collect)
    .option(
      '--device-key <key>',
      'the device key that has to vouch for it; may be given several times',
      collect,
    )
    .option('--coordinator-key <key>', 'a key of the coordinator; may be given several times', collect)
    .option('--checkpoints <file>', 'what the coordinator has countersigned, with the keys')
    .option('--json', 'print facts as JSON')
    .addHelpText(
      'after',
      `
A key is a file (PEM, or base64 of 32 bytes), or that base64 itself. Without a device key it is only shown that everything is of one key.
Exit status: 0 whole, 2 a bad record was found, 1 it could not be verified.

Examples:
  bulkhead evidence verify evidence.jsonl --checkpoints checkpoints.json
  bulkhead evidence verify exports/ --device-key device.pub --json`,
    )
    .action(async (path: string, options: VerifyOptions) => {
      const { readPublicKey } = await import('../../updater/signing/key-file.ts');
      const { keyId } = await import('../../base/signing/key-id.ts');
      const { rawKey } = await import('../../protocol/evidence/endorsed-key.ts');
      const { readCheckpointFile } = await import('../evidence/known-file.ts');
      const { verifyEvidence } = await import('../evidence/verify.ts');
      const { verdictText } = await import('../evidence/verify-text.ts');
      const keysOf = (given: readonly string[] = []) =>
        given.map((key) => (/^[A-Za-z0-9+/]{43}=$/.test(key) ? rawKey(key) : readPublicKey(key)));
      const told = options.checkpoints === undefined ? undefined : readCheckpointFile(options.checkpoints);
      const device_keys = [...keysOf(options.deviceKey), ...(told ? [told.device_key] : [])];
      const coordinator_keys = [...keysOf(options.coordinatorKey), ...(told?.coordinator_keys ?? [])];
      const verdict = await verifyEvidence(path, {
        ...{ device_keys, coordinator_keys, key_ids: keysOf(options.key).map(keyId) },
        ...(told ? { known: told.known } : {}),
      });
      const trust = { device: device_keys.length > 0, coordinator: coordinator_keys.length > 0 };
      printFacts(io, options.json, { ...verdict, trust }, () => verdictText(verdict, trust));
      if (!verdict.whole) io.setExitCode(NOT_WHOLE);
    });
}
