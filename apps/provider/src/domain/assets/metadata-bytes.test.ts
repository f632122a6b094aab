import { eciesEncrypt } from '@c2d/chain'
import { describe, expect, it } from '@jest/globals'
import { openMetadataBytes } from './metadata-bytes.ts'

const KEY = `0x${'01'.repeat(32)}`

/** `{"id":"did:op:1"}` as Python's lzma module writes it: `.xz`, then the legacy `.lzma`. */
const TEXT = '{"id":"did:op:1"}'
const XZ = Buffer.from(
  'fd377a585a000004e6d6b4460200210116000000742fe5a30100107b226964223a226469643a6f703a31227d0000000007d9f22e53aee1ae00012911320a700e1fb6f37d010000000004595a',
  'hex',
)
const LEGACY = Buffer.from('5d00008000ffffffffffffffff003d88892681935385b73e5c56f4de21431ddf90373f3fffea654000', 'hex')

async function textOf(data: Uint8Array, flags: number): Promise<unknown> {
  const opened = await openMetadataBytes(data, flags, KEY)
  return 'document' in opened ? Buffer.from(opened.document).toString() : opened
}

describe('the bytes of a metadata event', () => {
  it.each<[string, Uint8Array, number]>([
    ['plain', Buffer.from(TEXT), 0],
    ['compressed as .xz', XZ, 1],
    ['compressed as .lzma', LEGACY, 1],
    ['encrypted', eciesEncrypt(KEY, Buffer.from(TEXT)), 2],
    ['compressed, then encrypted', eciesEncrypt(KEY, XZ), 3],
  ])('are opened where they are %s', async (_title, data, flags) => {
    expect(await textOf(data, flags)).toBe(TEXT)
  })

  it.each<[string, Uint8Array, number, string]>([
    ['not encrypted to us', Buffer.from(TEXT), 2, 'decrypt'],
    ['not compressed', Buffer.from(TEXT), 1, 'decompress'],
    ['cut off', XZ.subarray(0, 40), 1, 'decompress'],
    ['encrypted, but not compressed', eciesEncrypt(KEY, Buffer.from(TEXT)), 3, 'decompress'],
  ])('error: are not where they are %s', async (_title, data, flags, failed) => {
    expect(await textOf(data, flags)).toEqual({ failed })
  })
})
