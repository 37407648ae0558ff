/**
 * `npm run proto` makes the TypeScript of the sensor protocol from its .proto files: messages, services and clients by ts-proto,
 * and the descriptors that reflection hands out. A test holds what is checked in to what this makes.
 */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { run, runOrThrow } from '../base/run.ts';

const ROOT = resolve(import.meta.dirname, '..');
const PROTO_FOLDER = join(ROOT, 'protocol/sensors');
export const GENERATED_FOLDER = join(PROTO_FOLDER, 'generated');
const PROTO_FILES = [
  'compliance.proto',
  'grpc/health/v1/health.proto',
  'grpc/reflection/v1/reflection.proto',
];
/** Fields keep the names of the .proto; an oneof is a union that says which; versions of the tools leave no trace. */
const TS_PROTO_OPTIONS = [
  'outputServices=grpc-js',
  'env=node',
  'esModuleInterop=true',
  'importSuffix=.ts',
  'snakeToCamel=false',
  'oneof=unions-value',
  'unrecognizedEnum=false',
  'outputJsonMethods=false',
  'exportCommonSymbols=false',
  'annotateFilesWithVersion=false',
];

/**
 * Writes everything into a folder.
 *
 * @throws BulkheadError COMMAND_NOT_FOUND without protoc, COMMAND_FAILED with its words where a .proto is wrong
 */
export async function generateProtocol(folder: string): Promise<void> {
  const set = join(folder, 'descriptors.binpb');
  await runOrThrow(run, 'protoc', [
    `--plugin=protoc-gen-ts_proto=${join(ROOT, 'node_modules/.bin/protoc-gen-ts_proto')}`,
    `--ts_proto_out=${folder}`,
    `--ts_proto_opt=${TS_PROTO_OPTIONS.join(',')}`,
    `--descriptor_set_out=${set}`,
    `--proto_path=${PROTO_FOLDER}`,
    ...PROTO_FILES,
  ]);
  const bytes = Buffer.from(await Bun.file(set).arrayBuffer());
  await Bun.write(join(folder, 'descriptors.ts'), descriptorsModule(bytes));
  await Bun.file(set).delete();
}

function descriptorsModule(set: Buffer): string {
  const lines = set.toString('base64').match(/.{1,100}/g) ?? [];
  return [
    '// Made by `npm run proto`.',
    '/** A google.protobuf.FileDescriptorSet of all .proto files, in base64. */',
    `export const DESCRIPTOR_SET_BASE64 =\n${lines.map((line) => `  '${line}'`).join(' +\n')};`,
    '',
  ].join('\n');
}

if (import.meta.main) {
  mkdirSync(GENERATED_FOLDER, { recursive: true });
  await generateProtocol(GENERATED_FOLDER);
  process.stdout.write(`made from ${PROTO_FILES.length} files in ${PROTO_FOLDER}\n`);
}
