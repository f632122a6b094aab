import { describe, expect, it } from '@jest/globals'
import { decompressDocument } from './index.ts'

/** Made with the lzma module of Python 3.11; the bombs are nine mebibytes of zeros. */
const VECTORS = {
  doc: '7b226964223a226469643a6f703a6669727374222c226d65746164617461223a7b226e616d65223a22412064617461207365742c2064c3a96ac3a0207675222c2274616773223a5b2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261222c2261225d7d7d',
  xz: 'fd377a585a000004e6d6b4460200210116000000742fe5a3e000e900505d003d88892681935385b73e5c56f4de216e69db30385bec88e8321dc4d20af8ecd453a4949f2f81ae4c32a1c3526db8440888e1cedd454ebc005cf53de069a8996c7f17f78f3cf43a500ba9da916a1cd0110062786fbc13c31d4700016cea01000000e7a3bb66b1c467fb020000000004595a',
  xzCrc32:
    'fd377a585a0000016922de360200210116000000742fe5a3e000e900505d003d88892681935385b73e5c56f4de216e69db30385bec88e8321dc4d20af8ecd453a4949f2f81ae4c32a1c3526db8440888e1cedd454ebc005cf53de069a8996c7f17f78f3cf43a500ba9da916a1cd011003198568b000168ea01000000f1e12afd3e300d8b020000000001595a',
  xzNone:
    'fd377a585a000000ff12d9410200210116000000742fe5a3e000e900505d003d88892681935385b73e5c56f4de216e69db30385bec88e8321dc4d20af8ecd453a4949f2f81ae4c32a1c3526db8440888e1cedd454ebc005cf53de069a8996c7f17f78f3cf43a500ba9da916a1cd01100000164ea010000008a21e88aa8000afc020000000000595a',
  xzSha256:
    'fd377a585a00000ae1fb0ca10200210116000000742fe5a3e000e900505d003d88892681935385b73e5c56f4de216e69db30385bec88e8321dc4d20af8ecd453a4949f2f81ae4c32a1c3526db8440888e1cedd454ebc005cf53de069a8996c7f17f78f3cf43a500ba9da916a1cd0110015038b518e0d90db27dbe1d4877bce5ffeb20030ae193dec6229cc3e0123cab700018401ea010000c86014c3b6e9df1c02000000000a595a',
  xzEmpty: 'fd377a585a000004e6d6b446000000001cdf44211fb6f37d010000000004595a',
  dict4G:
    'fd377a585a000004e6d6b4460200210128000000e6a011b3e000e900505d003d88892681935385b73e5c56f4de216e69db30385bec88e8321dc4d20af8ecd453a4949f2f81ae4c32a1c3526db8440888e1cedd454ebc005cf53de069a8996c7f17f78f3cf43a500ba9da916a1cd0110062786fbc13c31d4700016cea01000000e7a3bb66b1c467fb020000000004595a',
  xzBomb:
    'fd377a585a000004e6d6b446020021011c00000010cf58ccffff11016c5d00006ffdffffa3b7ff473e481572396151b89228e6a38607f9eee41e82d32fc53a3c014bb17ec98a8a4d2fa30dd97fa6e38c231153e05918c5758ae277f8b6947f0c6ac0de744964e2e95c53b204d8f7440cab5f0d6d46e9e5c37688b79657acb64de1691d6ffb4b88106c42cb883f5c008fd04eaf262894711f3d8f24e1709ea7235fec28cb85d195988a7e2a91f22775f719c006984d98fdd8afd5900fc42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bd2e5faa0f3e4b664290130eff1093f8717859f80bcdff9528460fa9fc7cdefb9a302e56c08f85f38381c065c42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bc4827e6589fff10012b00ec7353a7fdbeae7c311a9fb78d316e709ea7235fec28cb85d195988a7e2a91f22775f719c006984d98fdd8afd5900fc42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bd2e5faa0f3e4b664290130eff1093f8717859f80bcdff9528460fa9fc7cdefb9a302e56c08f85f38381c065c42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bd2e5faa0f3e4b664290130eff1093f8717859f80bcdff9528460fa9fc7cdefb9a302e56c08f85f38381c065c425510f3fb29fff10012b00ec7353a7fdbeae7c311a9fb78d316e709ea7235fec28cb85d195988a7e2a91f22775f719c006984d98fdd8afd5900fc42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bd2e5faa0f3e4b664290130eff1093f8717859f80bcdff9528460fa9fc7cdefb9a302e56c08f85f38381c065c42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bd2e5faa0f3e4b664290130eff1093f8717859f80bcdff9528460fa9fc7cdefb9a302e56c08f85f38381c065c425510f3fb29fff10012b00ec7353a7fdbeae7c311a9fb78d316e709ea7235fec28cb85d195988a7e2a91f22775f719c006984d98fdd8afd5900fc42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bd2e5faa0f3e4b664290130eff1093f8717859f80bcdff9528460fa9fc7cdefb9a302e56c08f85f38381c065c42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bd2e5faa0f3e4b664290130eff1093f8717859f80bcdff9528460fa9fc7cdefb9a302e56c08f85f38381c065c425510f3fb29003ba009900ec7353a7fdbeae7c311a9fb78d316e709ea7235fec28cb85d195988a7e2a91f22775f719c006984d98fdd8afd5900fc42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bd2e5faa0f3e4b664290130eff1093f8717859f80bcd4aa8b9f600000000824322c92408b9230001ba0b8080c004336b2fcfb1c467fb020000000004595a',
  alone:
    '5d00008000ffffffffffffffff003d88892681935385b73e5c56f4de216e69db30385bec88e8321dc4d20af8ecd453a4949f2f81ae4c32a1c3526db8440888e1cedd454ebc005cf53de069a8996c7f17f78f3cf43a500ba9da916ac9d5dcbfffa93f0000',
  aloneSized:
    '5d00008000ea00000000000000003d88892681935385b73e5c56f4de216e69db30385bec88e8321dc4d20af8ecd453a4949f2f81ae4c32a1c3526db8440888e1cedd454ebc005cf53de069a8996c7f17f78f3cf43a500ba9da916ac9d5dcbfffa93f0000',
  aloneEmpty: '5d00008000ffffffffffffffff0083fffbffffc0000000',
  aloneBomb:
    '5d00000004ffffffffffffffff00006ffdffffa3b7ff473e481572396151b89228e6a38607f9eee41e82d32fc53a3c014bb17ec98a8a4d2fa30dd97fa6e38c231153e05918c5758ae277f8b6947f0c6ac0de744964e2e95c53b204d8f7440cab5f0d6d46e9e5c37688b79657acb64de1691d6ffb4b88106c42cb883f5c008fd04eaf262894711f3d8f24e1709ea7235fec28cb85d195988a7e2a91f22775f719c006984d98fdd8afd5900fc42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bd2e5faa0f3e4b664290130eff1093f8717859f80bcdff9528460fa9fc7cdefb9a302e56c08f85f38381c065c42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bd2e5faa0f3e4b664290130eff1093f8717859f80bcdff9528460fa9fc7cdefb9a302e56c08f85f38381c065c42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bd2e5faa0f3e4b664290130eff1093f8717859f80bcdff9528460fa9fc7cdefb9a302e56c08f85f38381c065c42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bd2e5faa0f3e4b664290130eff1093f8717859f80bcdff9528460fa9fc7cdefb9a302e56c08f85f38381c065c42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bd2e5faa0f3e4b664290130eff1093f8717859f80bcdff9528460fa9fc7cdefb9a302e56c08f85f38381c065c42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bd2e5faa0f3e4b664290130eff1093f8717859f80bcdff9528460fa9fc7cdefb9a302e56c08f85f38381c065c42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bd2e5faa0f3e4b664290130eff1093f8717859f80bcdff9528460fa9fc7cdefb9a302e56c08f85f38381c065c42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bd2e5faa0f3e4b664290130eff1093f8717859f80bcdff9528460fa9fc7cdefb9a302e56c08f85f38381c065c42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bd2e5faa0f3e4b664290130eff1093f8717859f80bcdff9528460fa9fc7cdefb9a302e56c08f85f38381c065c42553f8f591363105a5b0ee6fc1704d470cd19111aaad601dbaceb127185c5986e9665258bee976ac59e4e55b0508f9c7daadfcfb522b74cd1e5b2042f9dd533df82964093b80cb2a6cdfb53bf0c4bd2e5faa0f3e4b664290130eff1093f8717859f80bcdff9528460fa9fc7cdefb9a302e56c08f85f38381c065c42553f8f5913630f02755ec6afffffd4d6000',
}
const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const unreadable = expect.objectContaining({ code: 'InvalidRequest', detail: expect.stringMatching(/not compressed/) })
const oversized = expect.objectContaining({ code: 'InvalidRequest', detail: expect.stringMatching(/larger than/) })
/** The legacy file with another header: properties, size of its dictionary, size of its content. */
function withHeader(change: { properties?: number; dictionaryBytes?: number; size?: bigint }): Uint8Array {
  const bytes = bytesOf(VECTORS.alone)
  const view = new DataView(bytes.buffer)
  if (change.properties !== undefined) view.setUint8(0, change.properties)
  if (change.dictionaryBytes !== undefined) view.setUint32(1, change.dictionaryBytes, true)
  if (change.size !== undefined) view.setBigUint64(5, change.size, true)
  return bytes
}

describe('decompressDocument', () => {
  it.each(['xz', 'xzCrc32', 'xzNone', 'alone', 'aloneSized'] as const)('behaviour: %s is read', async (name) => {
    expect(hexOf(await decompressDocument(bytesOf(VECTORS[name])))).toBe(VECTORS.doc)
  })

  it.each(['xzEmpty', 'aloneEmpty'] as const)('behaviour: %s is nothing', async (name) => {
    expect(await decompressDocument(bytesOf(VECTORS[name]))).toHaveLength(0)
  })

  it('behaviour: bytes that are a view into a larger buffer are read, and left as they are', async () => {
    for (const name of ['xz', 'alone'] as const) {
      const view = bytesOf(`ffff${VECTORS[name]}`).subarray(2)
      expect(hexOf(await decompressDocument(view))).toBe(VECTORS.doc)
      expect(hexOf(view)).toBe(VECTORS[name])
    }
  })

  it('behaviour: many at once do not wait for each other for ever, refused ones included', async () => {
    const names = ['xz', 'xzBomb', 'alone', 'xzSha256', 'xz', 'aloneBomb', 'xz'] as const
    const results = await Promise.allSettled(names.map((name) => decompressDocument(bytesOf(VECTORS[name]))))
    const kinds = results.map((result) => result.status === 'fulfilled')
    expect(kinds).toEqual([true, false, true, false, true, false, true])
  })

  it.each(['xzBomb', 'aloneBomb'] as const)('error: %s is refused before it is unpacked', async (name) => {
    await expect(decompressDocument(bytesOf(VECTORS[name]))).rejects.toEqual(oversized)
  })

  it.each(['xz', 'alone', 'aloneSized'] as const)(
    'error: %s may be as large as is allowed, no larger',
    async (name) => {
      const size = VECTORS.doc.length / 2
      await expect(decompressDocument(bytesOf(VECTORS[name]), { maxBytes: size })).resolves.toHaveLength(size)
      await expect(decompressDocument(bytesOf(VECTORS[name]), { maxBytes: size - 1 })).rejects.toEqual(oversized)
    },
  )

  it.each([
    ['nothing', new Uint8Array()],
    ['plain text', Buffer.from('{"id":"did:op:first","metadata":{}}')],
    ['a header alone', bytesOf(VECTORS.xz).subarray(0, 12)],
    ['a truncated .xz', bytesOf(VECTORS.xz).subarray(0, -1)],
    ['a .xz with a changed byte', bytesOf(VECTORS.xz.replace(/(.{80})../, '$1ff'))],
    ['a .xz whose check we cannot compute', bytesOf(VECTORS.xzSha256)],
    ['a .xz that wants 4 GiB', bytesOf(VECTORS.dict4G)],
    ['a legacy header alone', bytesOf(VECTORS.alone).subarray(0, 12)],
    ['a legacy file of impossible properties', withHeader({ properties: 225 })],
    ['a legacy file of too many contexts', withHeader({ properties: 8 + 4 * 9 })],
    ['a legacy file that ends before its size', withHeader({ size: 1000n })],
  ])('error: %s is refused', async (_, bytes) => {
    await expect(decompressDocument(bytes)).rejects.toEqual(unreadable)
  })

  it('behaviour: a legacy dictionary of 4 GiB costs none', async () => {
    const greedy = withHeader({ dictionaryBytes: 0xffffffff })
    const before = process.memoryUsage().arrayBuffers
    expect(hexOf(await decompressDocument(greedy))).toBe(VECTORS.doc)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024)
  })
})
