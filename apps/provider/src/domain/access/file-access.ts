import type { SourceOptions } from '@c2d/storage'

/** How files of every type are reached: the guarded client, gateways, signers (provider-http-api §7.2). */
export type FileAccess = Pick<SourceOptions, 'fetch' | 'gateways' | 'callContract' | 'signS3Get' | 'openResult'>
