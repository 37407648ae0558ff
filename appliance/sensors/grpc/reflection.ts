import { createFileRegistry, type DescFile, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import { DESCRIPTOR_SET_BASE64 } from '../../../protocol/sensors/generated/descriptors.ts';
import {
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionService,
} from '../../../protocol/sensors/generated/grpc/reflection/v1/reflection.ts';
import { type Decoded, messageOf, tolerant } from './methods.ts';
import { statusOf } from './status.ts';

type Answer = ServerReflectionResponse['message_response'];

/** The reflection service that gRPC prescribes, so that tools such as grpcurl need no .proto file. */
export function createReflection(onFault: (error: unknown) => void) {
  const answer = createAnswers();
  const handler = (call: ServerDuplexStream<Decoded<ServerReflectionRequest>, ServerReflectionResponse>) => {
    call.on('data', (decoded: Decoded<ServerReflectionRequest>) => {
      try {
        const original_request = messageOf(decoded);
        const { host: valid_host } = original_request;
        call.write({ valid_host, original_request, message_response: answer(original_request) });
      } catch (error) {
        call.emit('error', statusOf(error, onFault));
      }
    });
    call.on('end', () => call.end());
    // Whoever goes away needs no answer; grpc-js has done the rest by then.
    call.on('error', () => undefined);
  };
  const method = tolerant(ServerReflectionService.serverReflectionInfo);
  return {
    definition: { serverReflectionInfo: method },
    /** The same under the name that older tools ask for; the messages have the same numbers. */
    older: {
      serverReflectionInfo: { ...method, path: method.path.replace('.v1.', '.v1alpha.') },
    },
    handlers: { serverReflectionInfo: handler },
  };
}

function createAnswers(): (request: ServerReflectionRequest) => Answer {
  const set = fromBinary(FileDescriptorSetSchema, Buffer.from(DESCRIPTOR_SET_BASE64, 'base64'));
  const registry = createFileRegistry(set);
  const services = [...registry].flatMap((type) => (type.kind === 'service' ? [type.typeName] : []));
  const file = (found: DescFile | undefined, what: string): Answer =>
    found
      ? {
          $case: 'file_descriptor_response',
          value: { file_descriptor_proto: [Buffer.from(toBinary(FileDescriptorProtoSchema, found.proto))] },
        }
      : failure(status.NOT_FOUND, `there is no ${what}`);
  return ({ message_request: asked }) => {
    switch (asked?.$case) {
      case 'list_services':
        return { $case: 'list_services_response', value: { service: services.map((name) => ({ name })) } };
      case 'file_by_filename':
        return file(registry.getFile(asked.value), 'such file');
      case 'file_containing_symbol': {
        // Fields and methods are asked for as well: they are where what they belong to is.
        const type = registry.get(asked.value) ?? registry.get(asked.value.replace(/\.[^.]*$/, ''));
        return file(type?.file, 'such symbol');
      }
      default:
        return failure(status.UNIMPLEMENTED, 'extensions are of proto2, and there are none');
    }
  };
}

function failure(error_code: status, error_message: string): Answer {
  return { $case: 'error_response', value: { error_code, error_message } };
}
