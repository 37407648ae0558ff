import type { Command } from 'commander';
import { type CommandIo, printFacts } from '../../base/command-line.ts';
import { collect } from './bundle-options.ts';

interface SignOptions {
  key: string[];
  exportPae?: string;
  signature?: string;
  publicKey?: string;
  json?: true;
}

/** `bulkhead bundle sign`: signatures on bundles and key sets, also of keys that are not here. */
export function registerBundleSign(bundle: Command, io: CommandIo): void {
  bundle
    .command('sign <file>')
    .description(
      'add a signature to a bundle or to the newest set of a key set file; what is signed stays the same',
    )
    .option('--key <file>', 'private key that signs, in PEM; again for a second signature', collect, [])
    .option('--export-pae <file>', 'write the bytes that a key elsewhere has to sign; nothing else is done')
    .option('--signature <file>', 'add this signature of those bytes: 64 bytes, or their base64')
    .option('--public-key <file>', 'of the key that made the signature: PEM or base64')
    .option('--json', 'print facts as JSON')
    .addHelpText(
      'after',
      `
A signature of the same key is replaced. One that does not fit the file is refused.

Examples:
  bulkhead bundle sign x.bundle --key release.pem
  bulkhead bundle sign x.bundle --export-pae x.pae      then, where the key is:
  openssl pkeyutl -sign -rawin -inkey release.pem -in x.pae -out x.sig
  bulkhead bundle sign x.bundle --signature x.sig --public-key release.pub`,
    )
    .action(async (file: string, options: SignOptions) => {
      const { exportSigningBytes, signFile } = await import('../bundle/sign-file.ts');
      if (options.exportPae !== undefined) {
        const bytes = await exportSigningBytes(file, options.exportPae);
        const facts = { file, pae: options.exportPae, bytes };
        printFacts(
          io,
          options.json,
          facts,
          () => `${options.exportPae}: ${bytes} bytes to sign with Ed25519`,
        );
        return;
      }
      const facts = await signFile(file, options);
      printFacts(io, options.json, facts, () => {
        const signed = `${file}: signed by ${facts.signed_by.join(', ')}`;
        return facts.lacks === null ? signed : `${signed}\n${facts.lacks}`;
      });
    });
}
