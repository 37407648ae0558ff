import type { Command } from 'commander';
import { type CommandIo, printFacts } from '../../base/command-line.ts';
import { formatBytes } from '../../base/text.ts';
import { registerBundleKeys } from './bundle-keys.ts';
import { collect, requireInstant, requireVersion } from './bundle-options.ts';
import { registerBundleSign } from './bundle-sign.ts';
import type { RegisterCommand } from './command.ts';

/** `bulkhead bundle`: releases, made, signed and looked at. */
export const registerBundle: RegisterCommand = (program, io) => {
  const bundle = program
    .command('bundle')
    .description('make, sign, inspect and verify releases; keys and key sets')
    .addHelpText(
      'after',
      `
A bundle is a signed release in one file. The documentation (operate, releases) leads from the first key to a rotation.

Examples:
  bulkhead bundle keys generate release.pem
  bulkhead bundle create --slot dist/bulkhead-1.2.0.slot --key release.pem -o bulkhead-1.2.0.bundle
  bulkhead bundle inspect bulkhead-1.2.0.bundle
  bulkhead bundle verify bulkhead-1.2.0.bundle --keyset keyset.json --deep`,
    );
  addCreate(bundle, io);
  registerBundleSign(bundle, io);
  addInspect(bundle, io);
  addVerify(bundle, io);
  registerBundleKeys(bundle, io);
};

interface CreateOptions {
  slot: string;
  key: string[];
  from: string[];
  blocks?: true;
  onlyDeltas?: true;
  expires?: string;
  replacesMin?: string;
  keyset?: string;
  sbom?: string;
  provenance?: string;
  output: string;
  json?: true;
}

function addCreate(bundle: Command, io: CommandIo): void {
  bundle
    .command('create')
    .description('make a bundle of a slot image, with deltas and single blocks beside it')
    .requiredOption('--slot <file>', 'the slot image; it is checked whole before anything is written')
    .requiredOption('-o, --output <file>', 'the bundle; deltas and blocks get their names from it')
    .option('--key <file>', 'private key that signs, in PEM; again for a second signature', collect, [])
    .option('--from <file>', 'slot image or bundle to make a delta from; again for a second one', collect, [])
    .option('--only-deltas', 'leave the full bundle out: it is there already')
    .option('--blocks', 'lay the raw data area beside it (NAME.blocks)')
    .option('--expires <instant>', 'not installed from this instant on, e.g. 2027-06-30T00:00:00Z')
    .option('--replaces-min <version>', 'lowest version it may replace; older ones need a step between')
    .option('--keyset <file>', 'key sets that travel with it, for appliances that have older ones')
    .option('--sbom <file>', 'bill of materials that goes into it')
    .option('--provenance <file>', 'provenance that goes into it')
    .option('--json', 'print facts as JSON')
    .addHelpText(
      'after',
      `
Writes NAME, NAME.from-ROOT for every --from (ROOT: 16 digits of the root hash of the release it starts from) and
NAME.blocks. A base that is given as a bundle is held to --keyset. Without --key the bundle is unsigned until
'bulkhead bundle sign'.

Examples:
  bulkhead bundle create --slot dist/bulkhead-1.2.0.slot --key release.pem -o bulkhead-1.2.0.bundle
  bulkhead bundle create --slot new.slot --from old.slot --blocks --key release.pem -o new.bundle
  bulkhead bundle create --slot new.slot --replaces-min 1.1.0 --expires 2027-06-30T00:00:00Z -o new.bundle`,
    )
    .action(async (options: CreateOptions) => {
      if (options.expires !== undefined) await requireInstant(options.expires);
      if (options.replacesMin !== undefined) await requireVersion(options.replacesMin);
      const { readFileSync } = await import('node:fs');
      const { createRelease } = await import('../../updater/bundle/create-release.ts');
      const { readSigner } = await import('../../updater/signing/key-file.ts');
      const { readKeysetFile } = await import('../../updater/signing/keyset-file.ts');
      const { progressLines, releaseFacts, releaseText } = await import('../bundle/present.ts');
      const { slot, output, expires, replacesMin, sbom, provenance } = options;
      const keysets = options.keyset === undefined ? undefined : readKeysetFile(options.keyset);
      const files = await createRelease({
        output,
        slot_image: slot,
        from: options.from,
        blocks: options.blocks ?? false,
        onlyDeltas: options.onlyDeltas ?? false,
        signers: options.key.map(readSigner),
        trust: keysets ?? [],
        now: new Date(),
        ...(keysets ? { keysets } : {}),
        ...(expires === undefined ? {} : { expires }),
        ...(replacesMin === undefined ? {} : { replaces_min: replacesMin }),
        ...(sbom === undefined ? {} : { sbom: readFileSync(sbom) }),
        ...(provenance === undefined ? {} : { provenance: readFileSync(provenance) }),
        onProgress: progressLines(io),
      });
      printFacts(io, options.json, releaseFacts(files), () => releaseText(files));
      if (options.key.length === 0)
        io.err('not signed: no appliance takes it before `bulkhead bundle sign`\n');
    });
}

function addInspect(bundle: Command, io: CommandIo): void {
  bundle
    .command('inspect <file>')
    .description('show what a bundle says of itself; nothing is verified')
    .option('--json', 'print facts as JSON')
    .addHelpText('after', '\nExample:\n  bulkhead bundle inspect x.bundle --json | jq -r .manifest.version')
    .action(async (file: string, options: { json?: true }) => {
      const { fileSource } = await import('../../updater/bundle/file-source.ts');
      const { inspectBundle } = await import('../../updater/bundle/open-bundle.ts');
      const { bundleFacts, bundleText } = await import('../bundle/present.ts');
      const source = fileSource(file);
      try {
        const facts = { verified: false, ...bundleFacts(await inspectBundle(source)) };
        printFacts(
          io,
          options.json,
          facts,
          () => `${bundleText(facts)}\nNOT VERIFIED: this is what the file says`,
        );
      } finally {
        await source.close();
      }
    });
}

interface VerifyOptions {
  keyset?: string;
  deep?: true;
  base?: string;
  json?: true;
}

function addVerify(bundle: Command, io: CommandIo): void {
  bundle
    .command('verify <file>')
    .description(
      'hold a bundle to the keys that are trusted; exit status 1 and the reason when it is refused',
    )
    .option('--keyset <file>', 'key sets to trust (default: those of this appliance)')
    .option('--deep', 'read every byte too: pieces, what they yield, root hash, tree, documents')
    .option('--base <file>', 'slot image that a delta starts from; without it --deep sees its pieces only')
    .option('--json', 'print facts as JSON')
    .addHelpText(
      'after',
      `
Examples:
  bulkhead bundle verify x.bundle                          on an appliance
  bulkhead bundle verify x.bundle --keyset keyset.json --deep
  bulkhead bundle verify x.bundle.from-0123456789abcdef --keyset keyset.json --deep --base old.slot`,
    )
    .action(async (file: string, options: VerifyOptions) => {
      const { verifyFile } = await import('../bundle/verify-file.ts');
      const { bundleText, progressLines } = await import('../bundle/present.ts');
      const facts = await verifyFile(file, options, progressLines(io));
      for (const warning of facts.warnings) io.err(`${warning}\n`);
      printFacts(io, options.json, facts, () => {
        const keys = `VERIFIED: signed by ${facts.signed_by.join(', ')} of key set ${facts.keyset_version}`;
        const depths = {
          head: 'head only; --deep reads everything',
          pieces: 'head and pieces; --base lets it go deeper',
          content: `every byte of ${formatBytes(facts.manifest.slot.blob_bytes)}`,
        };
        return `${bundleText(facts)}\n${keys}; ${depths[facts.depth]}`;
      });
    });
}
