import type { Command } from 'commander';
import { type CommandIo, printFacts } from '../../base/command-line.ts';
import type { Envelope } from '../../base/signing/dsse.ts';
import type { NewKey } from '../../updater/signing/keyset-edit.ts';
import type { KeysetState } from '../../updater/signing/sign-keyset.ts';
import { collect, requireInstant } from './bundle-options.ts';

/** `bulkhead bundle keys` and `bulkhead bundle keyset`: who may sign releases. */
export function registerBundleKeys(bundle: Command, io: CommandIo): void {
  const keys = bundle.command('keys').description('key pairs that sign');
  addGenerate(keys, io);
  addList(keys, io);
  const keyset = bundle.command('keyset').description('signed sets of the public keys that appliances trust');
  addCreate(keyset, io);
  addRotate(keyset, io);
  addRevoke(keyset, io);
  addInspect(keyset, io);
}

function addGenerate(keys: Command, io: CommandIo): void {
  keys
    .command('generate <file>')
    .description(
      'make an Ed25519 key pair; the file (PEM, PKCS#8) is for its owner alone and never written over',
    )
    .option('--json', 'print facts as JSON')
    .addHelpText('after', '\nExample:\n  bulkhead bundle keys generate /media/offline/root-1.pem')
    .action(async (file: string, options: { json?: true }) => {
      const { generateKeyFile } = await import('../../updater/signing/key-file.ts');
      const { key_id, public_key } = generateKeyFile(file);
      const facts = { file, id: key_id, public_key: Buffer.from(public_key).toString('base64') };
      printFacts(io, options.json, facts, () => `${facts.id}  ${facts.public_key}  ${file}`);
    });
}

function addList(keys: Command, io: CommandIo): void {
  keys
    .command('list <files...>')
    .description('show id and public key of key files, public or private')
    .option('--json', 'print facts as JSON')
    .addHelpText(
      'after',
      "\nThe public key in base64 is what others need: 'bulkhead bundle keyset create' takes it from a file.\n\n" +
        'Example:\n  bulkhead bundle keys list root-1.pem root-2.pub',
    )
    .action(async (files: string[], options: { json?: true }) => {
      const { readPublicKey } = await import('../../updater/signing/key-file.ts');
      const { keyId } = await import('../../base/signing/key-id.ts');
      const facts = files.map((file) => {
        const public_key = readPublicKey(file);
        return { file, id: keyId(public_key), public_key: Buffer.from(public_key).toString('base64') };
      });
      printFacts(io, options.json, facts, () =>
        facts.map(({ id, public_key, file }) => `${id}  ${public_key}  ${file}`).join('\n'),
      );
    });
}

interface AddedKeys {
  root: string[];
  release: string[];
  notAfter?: string;
  note?: string;
  threshold?: string;
  key: string[];
  json?: true;
}

/** Options that sets are made and changed with. */
function withKeyOptions(command: Command): Command {
  return command
    .option('--root <file>', 'key that signs key sets, public or private; again for another', collect, [])
    .option('--release <file>', 'key that signs releases, public or private; again for another', collect, [])
    .option('--not-after <instant>', 'end of the release keys that are named here, e.g. 2028-01-01T00:00:00Z')
    .option('--note <text>', 'a word on the keys that are named here')
    .option('--threshold <count>', 'root keys that have to sign the set and the next one')
    .option('--key <file>', 'private root key that signs now; others sign later by bundle sign', collect, [])
    .option('--json', 'print facts as JSON');
}

function addCreate(keyset: Command, io: CommandIo): void {
  withKeyOptions(keyset.command('create'))
    .description('make the first key set, the one that goes into an image')
    .requiredOption('-o, --output <file>', 'where it goes; not written over')
    .addHelpText(
      'after',
      `
Example, with two root keys of which one has to sign:
  bulkhead bundle keyset create --root root-1.pem --root root-2.pub --release release.pub --key root-1.pem -o keyset.json`,
    )
    .action(async (options: AddedKeys & { output: string }) => {
      const { existsSync } = await import('node:fs');
      const { BulkheadError } = await import('../../base/errors.ts');
      const { createKeyset } = await import('../../updater/signing/keyset-edit.ts');
      if (existsSync(options.output)) {
        throw new BulkheadError(
          'KEYS_FILE_EXISTS',
          `${options.output} is there already and is not written over`,
          {
            hint: 'keyset rotate and keyset revoke put a newer set behind it',
          },
        );
      }
      const set = createKeyset(await namedKeys(options), thresholdOf(options) ?? 1, Date.now());
      await append(options.output, [], set, options, io);
    });
}

function addRotate(keyset: Command, io: CommandIo): void {
  withKeyOptions(keyset.command('rotate <file>'))
    .description('put a newer set behind those of a file: add keys, leave others out')
    .option('--remove <id>', 'key that is left out, not called lost; again for another', collect, [])
    .addHelpText(
      'after',
      `
Has to be signed by root keys of the set before and by its own.

Example, a new release key for the old one:
  bulkhead bundle keyset rotate keyset.json --release new.pub --remove 0123456789abcdef0123456789abcdef --key root-1.pem`,
    )
    .action(async (file: string, options: AddedKeys & { remove: string[] }) => {
      await change(file, { remove: options.remove }, options, io);
    });
}

function addRevoke(keyset: Command, io: CommandIo): void {
  withKeyOptions(keyset.command('revoke <file> <ids...>'))
    .description(
      'put a newer set behind those of a file that calls keys lost: nothing they ever signed counts',
    )
    .requiredOption('--reason <text>', 'what happened; stands in the set for ever')
    .addHelpText(
      'after',
      `
A revocation is never taken back. It reaches an appliance with the next release, or with its next image.

Example, with a new key at once:
  bulkhead bundle keyset revoke keyset.json 0123456789abcdef0123456789abcdef --reason 'laptop stolen' \\
    --release new.pub --key root-1.pem`,
    )
    .action(async (file: string, ids: string[], options: AddedKeys & { reason: string }) => {
      await change(file, { revoke: ids, reason: options.reason }, options, io);
    });
}

function addInspect(keyset: Command, io: CommandIo): void {
  keyset
    .command('inspect <file>')
    .description('show the newest set of a file, who signed it and what it lacks')
    .option('--json', 'print facts as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  bulkhead bundle keyset inspect keyset.json --json | jq .keyset.version',
    )
    .action(async (file: string, options: { json?: true }) => {
      const { readKeysetState } = await import('../../updater/signing/sign-keyset.ts');
      await print(io, options.json, file, readKeysetState(file));
    });
}

async function change(
  file: string,
  what: { remove?: string[]; revoke?: string[]; reason?: string },
  options: AddedKeys,
  io: CommandIo,
): Promise<void> {
  const { readKeysetFile } = await import('../../updater/signing/keyset-file.ts');
  const { trustKeysetFile } = await import('../../updater/signing/trusted-keys.ts');
  const { changeKeyset } = await import('../../updater/signing/keyset-edit.ts');
  // Whole and followed from its first set: nothing is put behind a set that nobody would take.
  const { keyset } = trustKeysetFile(file);
  const root_threshold = thresholdOf(options);
  const add = await namedKeys(options);
  const next = { ...what, add, ...(root_threshold === undefined ? {} : { root_threshold }) };
  await append(file, readKeysetFile(file), changeKeyset(keyset, next, Date.now()), options, io);
}

async function append(
  file: string,
  before: readonly Envelope[],
  set: KeysetState['set'],
  options: AddedKeys,
  io: CommandIo,
): Promise<void> {
  const { appendKeyset } = await import('../../updater/signing/sign-keyset.ts');
  const { readSigner } = await import('../../updater/signing/key-file.ts');
  await print(io, options.json, file, appendKeyset(file, before, set, options.key.map(readSigner)));
}

async function print(io: CommandIo, json: true | undefined, file: string, state: KeysetState): Promise<void> {
  const { keysetFacts, keysetText } = await import('../bundle/present-keys.ts');
  printFacts(io, json, keysetFacts(file, state), () => keysetText(file, state));
}

async function namedKeys({ root, release, notAfter, note }: AddedKeys): Promise<NewKey[]> {
  const { readPublicKey } = await import('../../updater/signing/key-file.ts');
  const not_after = notAfter === undefined ? {} : { not_after: await requireInstant(notAfter) };
  const noted = note === undefined ? {} : { note };
  return [
    ...root.map((file): NewKey => ({ public_key: readPublicKey(file), roles: ['root'], ...noted })),
    ...release.map(
      (file): NewKey => ({ public_key: readPublicKey(file), roles: ['release'], ...not_after, ...noted }),
    ),
  ];
}

function thresholdOf({ threshold }: AddedKeys): number | undefined {
  return threshold === undefined ? undefined : Number(threshold);
}
