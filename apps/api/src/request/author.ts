import type { ApiConfig } from '@guestkit/core/config/api-config';
import type { AuditAuthor } from '@guestkit/core/history/audit-log';
import { fingerprintOf } from '@guestkit/core/security/api-key';
import type { Request, Response } from 'express';
import { contextOf } from './context.ts';

/** Who sends a request, for the audit log: the key that it shows, or where it comes from when none is asked for. */
export function authorOf(request: Request, response: Response, { apiKey }: Pick<ApiConfig, 'apiKey'>): AuditAuthor {
  // the guards let pass nothing but this key
  const who = apiKey === undefined ? `remote:${request.socket.remoteAddress}` : `key:${fingerprintOf(apiKey)}`;
  return { who, request_id: contextOf(response).requestId };
}
