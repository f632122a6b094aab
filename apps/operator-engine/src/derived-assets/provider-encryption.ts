import { hexBytesSchema, PROVIDER_ENDPOINTS } from '@c2d/contracts'
import type { GuardedFetch } from '@c2d/http-kit'

const TIMEOUT_MS = 30_000

/**
 * Has a provider encrypt a text to itself, as publishers do.
 * @param place.serviceEndpoint of the provider
 * @returns 0x and hex
 * @throws Error when it does not answer as providers do; the text is in no message
 */
export async function encryptToProvider(
  text: string,
  place: { serviceEndpoint: string; chainId: number },
  fetch: GuardedFetch,
): Promise<string> {
  const base = place.serviceEndpoint.replace(/\/+$/, '')
  const response = await fetch(`${base}${PROVIDER_ENDPOINTS.encrypt[1]}?chainId=${place.chainId}`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: text,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  const encrypted = hexBytesSchema.safeParse((await response.text()).trim())
  if (response.status !== 201 || !encrypted.success) {
    throw new Error(`the provider did not encrypt: it answered ${response.status}`)
  }
  return encrypted.data
}
