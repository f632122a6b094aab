import type { Container } from '@c2d/contracts'
import { deny, type Denied } from './docket.ts'

/** The container a job will run in, complete and pinned, or row 4d of provider-http-api §8.3. */
export function checkContainer(container: unknown): Container | Denied {
  const { entrypoint, image, tag, checksum } = (container ?? {}) as Record<string, unknown>
  if (!isText(entrypoint) || !isText(image) || !isText(checksum)) return deny('missing_entrypoint_image_checksum')
  if (!checksum.startsWith('sha256:')) return deny('checksum_prefix')
  return { entrypoint, image, checksum, ...(isText(tag) ? { tag } : {}) }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
