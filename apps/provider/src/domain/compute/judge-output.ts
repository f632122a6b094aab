import { eciesEncrypt } from '@c2d/chain'
import {
  consumerOutputSchema,
  encryptedOutputSchema,
  isSameAddress,
  outputPackagingSchema,
  type ConsumerOutput,
  type OutputPackaging,
} from '@c2d/contracts'
import type { ConsumerOutputs } from './consumer-outputs.ts'
import { deny, type DocketSection } from './docket.ts'

/** What a request wants of its output: the consumer's own storage, still encrypted, or nothing that we act on. */
export interface OutputWish {
  encrypted: string | null
  /** How the operator's storage is to keep it. */
  packaging: OutputPackaging
}

/**
 * Row 6. What clients of the reference send (`publishOutput`, `owner`…) is an object, or one as JSON, and does not
 * matter. Newer clients send hex: all of it encrypted; others put that into the member `encrypted`.
 */
export function judgeOutputForm(output: unknown, section: DocketSection): OutputWish | null {
  const isHex = typeof output === 'string' && output.startsWith('0x')
  const wish = typeof output === 'string' && output !== '' && !isHex ? parseJson(output) : output
  if (wish === undefined && output !== undefined) return section.judge<OutputWish>('output-form', deny('invalid'))
  const members = typeof wish === 'object' && wish !== null ? (wish as Record<string, unknown>) : {}
  if (members['remoteStorage'] !== undefined) {
    const sentence = 'The output names a storage in the clear.'
    return section.judge<OutputWish>('output-form', deny('not_encrypted', { sentence, change: ENCRYPT }))
  }
  const packaging = outputPackagingSchema.parse(members)
  const encrypted = isHex ? output : members['encrypted']
  if (encrypted === undefined || encrypted === null) return section.judge('output-form', { encrypted: null, packaging })
  const parsed = encryptedOutputSchema.safeParse(encrypted)
  return section.judge('output-form', parsed.success ? { encrypted: parsed.data, packaging } : deny('invalid'))
}

const ENCRYPT = 'Encrypt {"remoteStorage": …} with POST /api/services/encrypt and send the hex as output.encrypted.'

/**
 * Opens and checks the consumer's own storage, and encrypts it anew, to the environment that will use it.
 * @param for.publicKey of the environment; null where it announces none
 * @returns hex for the workflow; null where nothing is wished or the rule says no
 */
export async function judgeOutputStorage(
  wish: OutputWish,
  { consumerAddress, publicKey }: { consumerAddress: string; publicKey: string | null },
  section: DocketSection,
  outputs: ConsumerOutputs,
): Promise<string | null> {
  const refuse = (code: string, sentence: string, change?: string): null =>
    section.judge<never>('output-storage', deny(code, { sentence, ...(change === undefined ? {} : { change }) }))
  if (wish.encrypted === null) {
    section.judge('output-storage', 'none')
    return null
  }
  if (publicKey === null) return refuse('not_supported', 'This environment stores nothing at consumers’ own places.')
  const text = outputs.open(wish.encrypted)
  if (text === null) return refuse('not_decryptable', 'The output is not encrypted to this provider.', ENCRYPT)
  const parsed = consumerOutputSchema.safeParse(parseJson(text))
  if (!parsed.success) {
    // Only which member is wrong: its value may be a key.
    const [issue] = parsed.error.issues
    const member = issue?.path.join('.') || 'all of it'
    return refuse('invalid', `The decrypted output is not valid: ${member}.`, 'Check it against the API description.')
  }
  const { owner } = parsed.data
  if (owner !== undefined && !isSameAddress(owner, consumerAddress)) {
    return refuse('not_yours', 'The output was encrypted for another consumer.')
  }
  if (!(await outputs.isReachable(addressOfStorage(parsed.data)))) {
    return refuse('not_reachable', 'The storage of the output does not answer, or is not at a public address.')
  }
  const sealed = eciesEncrypt(publicKey, Buffer.from(JSON.stringify(parsed.data)))
  return section.judge('output-storage', `0x${Buffer.from(sealed).toString('hex')}`)
}

function addressOfStorage({ remoteStorage }: ConsumerOutput): string {
  if (remoteStorage.type === 'url') return remoteStorage.url
  return remoteStorage.endpoint ?? `https://s3.${remoteStorage.region}.amazonaws.com`
}

/** Undefined for what is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined // that is the answer
  }
}
