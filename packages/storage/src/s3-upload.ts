import { createHash, type Hash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type * as S3Sdk from '@aws-sdk/client-s3'
import { LendingStream, returnBuffer } from './lending-stream.ts'
import type { PartBuffers } from './part-buffers.ts'
import type { PutDirectly } from './s3-direct-put.ts'

/** The least that servers take: five of them in memory keep a connection as busy as three of eight. */
const PART_BYTES = 5 * 1024 ** 2
const MAX_PARTS = 10_000
/** Of an object whose size is not known: after so many parts they double. */
const PARTS_OF_A_SIZE = 2_000

/** What goes with an object: where it is, how it is kept, and with which keys of its own. */
export interface S3Object {
  place: { Bucket: string; Key: string }
  /** For the request that makes it. */
  create?: Pick<S3Sdk.PutObjectCommandInput, 'ServerSideEncryption' | 'SSEKMSKeyId'>
  /** For every request that touches its bytes. */
  access?: Pick<S3Sdk.PutObjectCommandInput, 'SSECustomerAlgorithm' | 'SSECustomerKey'>
  /** Exactly; null where it is not known before. */
  sizeBytes: number | null
}

export interface S3UploadDeps {
  sdk: typeof S3Sdk
  client: S3Sdk.S3Client
  buffers: PartBuffers
  /** Tried first for what fits into one request; absent: all goes by the SDK. */
  putDirectly?: PutDirectly | undefined
  /** Done before an upload in parts begins; never fails. */
  beforeParts?: (() => Promise<void>) | undefined
  /** Makes what the SDK throws the store's own error; what the source throws is left as it is. */
  translate: (thrown: unknown) => Error
}

/**
 * Uploads a stream: in one request where it fits into a part, else in parts, several at once. `lib-storage` of the SDK
 * does the same and leaves every part to the collector, which took twice the memory and a third of the time of small
 * files; here each is read into borrowed memory, hashed once, and sent from there.
 * @returns size and SHA-256 of what was read
 * @throws what the source failed with, or what `translate` makes of the SDK's errors; no part stays then
 */
export async function uploadToS3(
  source: Readable,
  object: S3Object,
  deps: S3UploadDeps,
): Promise<{ sizeBytes: number; sha256: string }> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  const parts = createPartSender(object, deps)
  let buffer = await deps.buffers.borrow(partBytesAt(1, object.sizeBytes))
  let filled = 0
  try {
    for await (const chunk of source as AsyncIterable<Buffer | string>) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
      hash.update(bytes)
      sizeBytes += bytes.length
      for (let at = 0; at < bytes.length;) {
        const room = partBytesAt(parts.next(), object.sizeBytes) - filled
        if (room === 0) {
          parts.send(buffer, filled)
          filled = 0
          buffer = NONE
          parts.check()
          buffer = await deps.buffers.borrow(partBytesAt(parts.next(), object.sizeBytes))
          continue
        }
        const copied = bytes.copy(buffer, filled, at, at + room)
        filled += copied
        at += copied
      }
      if (source instanceof LendingStream && chunk === bytes) returnBuffer(bytes)
    }
    const digest = hash.copy()
    if (parts.next() === 1) await parts.sendWhole(buffer, filled, digest)
    else {
      parts.send(buffer, filled)
      buffer = NONE
      await parts.complete()
    }
  } catch (thrown) {
    source.destroy()
    await parts.abort()
    throw thrown
  } finally {
    if (buffer !== NONE) deps.buffers.giveBack(buffer)
  }
  return { sizeBytes, sha256: hash.digest('hex') }
}

/** No buffer is held. */
const NONE = Buffer.alloc(0)

/** How much the part of a number holds, from 1. */
function partBytesAt(number: number, sizeBytes: number | null): number {
  if (sizeBytes === null) return PART_BYTES * 2 ** Math.floor((number - 1) / PARTS_OF_A_SIZE)
  if (sizeBytes <= PART_BYTES) return Math.max(1, sizeBytes)
  return Math.max(PART_BYTES, Math.ceil(sizeBytes / MAX_PARTS))
}

/** The requests of one upload. */
function createPartSender({ place, create, access }: S3Object, deps: S3UploadDeps) {
  const { sdk, client, buffers, translate } = deps
  const sending = new Set<Promise<void>>()
  const sent: { PartNumber: number; ETag: string | undefined }[] = []
  let upload: Promise<string | undefined> | undefined
  let number = 1
  let failure: { error: Error } | undefined

  async function translated<T>(asking: Promise<T>): Promise<T> {
    return asking.catch((thrown: unknown) => {
      throw translate(thrown)
    })
  }

  async function begin(): Promise<string | undefined> {
    await deps.beforeParts?.()
    const params = { ...place, ...create, ...access, ContentType: CONTENT_TYPE }
    return (await client.send(new sdk.CreateMultipartUploadCommand(params))).UploadId
  }

  async function sendPart(PartNumber: number, buffer: Buffer, bytes: number): Promise<void> {
    let reuse = false
    try {
      upload ??= begin()
      const part = { ...place, ...access, UploadId: await upload, PartNumber, Body: buffer.subarray(0, bytes) }
      const { ETag } = await client.send(new sdk.UploadPartCommand(part))
      sent.push({ PartNumber, ETag })
      reuse = true
    } catch (thrown) {
      failure ??= { error: translate(thrown) }
    } finally {
      buffers.giveBack(buffer, { reuse })
    }
  }

  const check = (): void => {
    if (failure) throw failure.error
  }

  return {
    /** The number of the part that is being filled. */
    next: () => number,
    /** Sends a part, and gives its buffer back when that is done. */
    send(buffer: Buffer, bytes: number): void {
      const running: Promise<void> = sendPart(number, buffer, bytes).finally(() => sending.delete(running))
      sending.add(running)
      number += 1
    },
    check,
    /** Sends all there is as one object; the buffer stays the caller's. */
    async sendWhole(buffer: Buffer, bytes: number, digest: Hash): Promise<void> {
      const Body = buffer.subarray(0, bytes)
      const hex = digest.digest('hex')
      if (await deps.putDirectly?.(place, Body, hex)) return
      const command = new sdk.PutObjectCommand({ ...place, ...create, ...access, ContentType: CONTENT_TYPE, Body })
      command.middlewareStack.add(
        (next) => (args) => {
          const { headers } = args.request as { headers: Record<string, string> }
          headers['x-amz-content-sha256'] = hex // or the SDK would hash the same bytes once more to sign them
          return next(args)
        },
        { step: 'build', name: 'knownHash' },
      )
      await translated(client.send(command))
    },
    async complete(): Promise<void> {
      await Promise.all(sending)
      check()
      const Parts = sent.toSorted((a, b) => a.PartNumber - b.PartNumber)
      const params = { ...place, ...access, UploadId: await upload, MultipartUpload: { Parts } }
      await translated(client.send(new sdk.CompleteMultipartUploadCommand(params)))
    },
    /** Leaves no part behind, as far as the server can be reached; never fails. */
    async abort(): Promise<void> {
      await Promise.all(sending)
      const UploadId = await upload?.catch(() => undefined) // it never began
      if (UploadId === undefined) return
      await client.send(new sdk.AbortMultipartUploadCommand({ ...place, UploadId })).catch(() => {
        // The upload has failed, and says why; what is left of it goes with the job's results, or by the bucket's rules.
      })
    },
  }
}

const CONTENT_TYPE = 'application/octet-stream'
