import type { WorkerConfig } from '@guestkit/core/config/worker-config';
import { parseHostRule } from '@guestkit/core/remote/host-rule';
import type { RemoteSettings } from '@guestkit/core/remote/open-remote';

const MIB = 2 ** 20;

/** What the configuration allows of remote images; `undefined` for nothing. */
export function remoteSettings(config: WorkerConfig): RemoteSettings | undefined {
  const { remoteHosts, remoteBuckets, s3Endpoint, s3Region, s3PathStyle } = config;
  if (remoteHosts.length === 0 && remoteBuckets.length === 0) return undefined;
  return {
    hosts: remoteHosts.map(parseHostRule),
    buckets: remoteBuckets,
    s3: { endpoint: s3Endpoint, region: s3Region, pathStyle: s3PathStyle },
    cacheBytes: config.remoteCacheMb * MIB,
    maxBytes: config.remoteLimitMb * MIB,
    maxRequests: config.remoteRequestLimit,
    timeoutMs: config.remoteTimeoutMs,
  };
}
