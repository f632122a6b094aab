import type * as S3Sdk from '@aws-sdk/client-s3'

/**
 * Deletes every object below a prefix and every upload that was never completed; safe to repeat. Where a bucket keeps
 * versions, theirs are the bucket's own rules.
 * @throws what the SDK throws, or an Error naming how many objects stayed
 */
export async function emptyS3Prefix(
  place: { Bucket: string; Prefix: string },
  { sdk, client }: { sdk: typeof S3Sdk; client: S3Sdk.S3Client },
): Promise<void> {
  // Uploads first: one that completes in between is an object that the listing then finds.
  await abortUploads(place, { sdk, client })
  let StartAfter: string | undefined
  for (;;) {
    const page = await client.send(new sdk.ListObjectsV2Command({ ...place, StartAfter }))
    const Objects = (page.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [{ Key }]))
    if (Objects.length === 0) return
    const answer = await client.send(
      new sdk.DeleteObjectsCommand({ Bucket: place.Bucket, Delete: { Objects, Quiet: true } }),
    )
    const [left] = answer.Errors ?? []
    StartAfter = Objects.at(-1)?.Key
    if (left) throw new Error(`${answer.Errors?.length} objects were not deleted: ${left.Code ?? 'no reason given'}`)
  }
}

async function abortUploads(
  { Bucket, Prefix }: { Bucket: string; Prefix: string },
  { sdk, client }: { sdk: typeof S3Sdk; client: S3Sdk.S3Client },
): Promise<void> {
  let from: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {}
  for (;;) {
    const page = await client
      .send(new sdk.ListMultipartUploadsCommand({ Bucket, Prefix, ...from }))
      .catch((thrown: unknown) => {
        // Small servers keep no list; their uploads were aborted by whoever began them, or end by the bucket's rules.
        if ((thrown as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode === 501) return null
        throw thrown
      })
    for (const { Key, UploadId } of page?.Uploads ?? []) {
      await client.send(new sdk.AbortMultipartUploadCommand({ Bucket, Key, UploadId }))
    }
    if (!page?.IsTruncated) return
    from = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
  }
}
