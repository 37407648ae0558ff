import { BulkheadError } from '../../base/errors.ts';
import { type S3Place, s3Store } from './s3-store.ts';
import { type ArtifactStore, localStore } from './store.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const HINT =
  '--artifacts s3://BUCKET/PREFIX, with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment; AWS_REGION and AWS_ENDPOINT_URL_S3 where they are needed';

/**
 * The store of files that somebody has named.
 *
 * @param text a folder, or `s3://bucket/prefix`
 * @throws BulkheadError ARTIFACT_PLACE
 */
export function openArtifacts(text: string, environment: Environment): ArtifactStore {
  const place = readS3Place(text, environment);
  return place === null ? localStore(text) : s3Store(place);
}

/**
 * A bucket as the command line and the environment name it; the environment is that of the tools of AWS.
 *
 * @param text `s3://bucket` or `s3://bucket/prefix`
 * @returns null for what is no address of a bucket: it is a folder then
 * @throws BulkheadError ARTIFACT_PLACE
 */
export function readS3Place(text: string, environment: Environment): S3Place | null {
  if (!text.startsWith('s3://')) return null;
  const [, bucket, prefix = ''] =
    /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*?))?\/?$/.exec(text) ?? [];
  if (bucket === undefined)
    throw new BulkheadError('ARTIFACT_PLACE', `'${text}' names no bucket`, { hint: HINT });
  const access_key_id = environment['AWS_ACCESS_KEY_ID'];
  const secret_access_key = environment['AWS_SECRET_ACCESS_KEY'];
  if (!access_key_id || !secret_access_key)
    throw new BulkheadError('ARTIFACT_PLACE', `there are no keys for the bucket ${bucket}`, { hint: HINT });
  return {
    ...{ bucket, prefix, access_key_id, secret_access_key },
    endpoint: environment['AWS_ENDPOINT_URL_S3'] || environment['AWS_ENDPOINT_URL'] || undefined,
    region: environment['AWS_REGION'] || environment['AWS_DEFAULT_REGION'] || undefined,
  };
}
