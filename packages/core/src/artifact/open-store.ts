import path from 'node:path';
import type { ArtifactStore } from './artifact-store.ts';
import { openFileStore } from './file-store.ts';

export interface ArtifactStoreOptions {
  /** `file:/path` or `s3://bucket/prefix`; a folder in `dataDir` when not given. */
  readonly artifacts: string | undefined;
  readonly dataDir: string;
  readonly s3Endpoint: string | undefined;
  readonly s3Region: string | undefined;
  readonly s3PathStyle: boolean;
}

/** Opens the store where the configuration says it is. */
export async function openArtifactStore(options: ArtifactStoreOptions): Promise<ArtifactStore> {
  const { artifacts, dataDir, s3Endpoint, s3Region, s3PathStyle } = options;
  if (artifacts?.startsWith('s3://') !== true) {
    return openFileStore(artifacts?.replace(/^file:(?:\/\/)?/, '') ?? path.join(dataDir, 'artifacts'));
  }
  const [bucket = '', ...rest] = artifacts.slice('s3://'.length).split('/');
  const prefix = rest.filter((name) => name !== '').join('/');
  // takes a quarter of a second to load, which only those should wait for who use it
  const { openS3Store } = await import('./s3-store.ts');
  return openS3Store({
    bucket,
    prefix: prefix === '' ? '' : `${prefix}/`,
    endpoint: s3Endpoint,
    region: s3Region,
    pathStyle: s3PathStyle,
  });
}
