import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { createServer, get, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { toError } from '@c2d/runtime'
import { openFileStream } from '../../src/file-stream.ts'
import { pour } from '../../src/pour.ts'

const bytes = randomBytes(3 * 1024 * 1024 + 5)

describe('pour', () => {
  let folder: string
  let path: string
  let server: Server
  let source: () => Promise<Readable>
  let outcome: Promise<unknown>

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'c2d-pour-'))
    path = join(folder, 'file')
    await writeFile(path, bytes)
    server = createServer((_request, response) => {
      outcome = source()
        .then((opened) => pour(opened, response))
        .then(
          () => 'poured',
          (thrown: unknown) => toError(thrown).message,
        )
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterAll(async () => {
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true, force: true })
  })

  const open = (): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      get({ port: (server.address() as AddressInfo).port }, resolve).on('error', reject)
    })

  async function download(): Promise<Buffer> {
    const chunks: Buffer[] = []
    for await (const chunk of (await open()) as AsyncIterable<Buffer>) chunks.push(chunk)
    return Buffer.concat(chunks)
  }

  it('behaviour: a file arrives as it is, and few buffers carry all of it', async () => {
    const buffers = new Set<ArrayBufferLike>()
    source = async () => {
      const stream = await openFileStream(path)
      return stream.on('data', (chunk: Buffer) => buffers.add(chunk.buffer))
    }
    expect((await download()).equals(bytes)).toBe(true)
    expect(await outcome).toBe('poured')
    expect(buffers.size).toBeLessThan(24) // of 49 chunks
  })

  it('behaviour: a range is all that is read', async () => {
    source = () => openFileStream(path, { start: 131_071, end: 400_000 })
    expect((await download()).equals(bytes.subarray(131_071, 400_001))).toBe(true)
  })

  it('behaviour: an empty file and any other stream are poured too', async () => {
    await writeFile(join(folder, 'empty'), '')
    source = () => openFileStream(join(folder, 'empty'))
    expect((await download()).length).toBe(0)
    source = () => Promise.resolve(Readable.from([Buffer.from('a'), Buffer.from('b')]))
    expect((await download()).toString()).toBe('ab')
  })

  it('behaviour: a client that goes away closes the file', async () => {
    const opened: Readable[] = []
    source = async () => {
      opened.push(await openFileStream(path))
      return opened[0] as Readable
    }
    const answer = await open()
    answer.destroy()
    expect(await outcome).toBe('the transfer was cut')
    await new Promise((resolve) => (opened[0]?.closed ? resolve(undefined) : opened[0]?.once('close', resolve)))
    expect(opened[0]?.destroyed).toBe(true)
  })

  it('error: a source that fails cuts the connection, so that half a file does not look whole', async () => {
    await writeFile(join(folder, 'shrinks'), bytes)
    source = async () => {
      const stream = await openFileStream(join(folder, 'shrinks'))
      await truncate(join(folder, 'shrinks'), 200_000)
      return stream
    }
    await expect(download()).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(await outcome).toBe('the file became shorter while it was read')
  })
})
