import { createHash } from 'node:crypto'
import { expect } from '@jest/globals'
import { stagingManifestSchema, type JobStatusAnswer } from '@c2d/contracts'
import { z } from 'zod'
import { fetchPart, fetchText, fetchWhole } from './consumer.ts'
import type { DataPlane } from './data-plane.ts'
import { partOf, type PlannedFile } from './planned-files.ts'

const MIB = 1024 ** 2

const rowSchema = z.object({ path: z.string(), filesize: z.number(), sha256: z.string(), index: z.number() })
const manifestSchema = z.object({
  files: z.array(z.object({ path: z.string(), sizeBytes: z.number(), sha256: z.string() })),
})

/** A file of a dataset, and where the job had it. */
interface ExpectedFile {
  planned: PlannedFile
  did: string
  index: number
  /** Below the outputs' volume. */
  path: string
}

/**
 * Fetches everything a job published, from both places and through both services, whole and in parts, and compares it
 * with what was put into the datasets, and with what the manifests say.
 */
export async function checkResults(job: JobStatusAnswer, plane: DataPlane): Promise<void> {
  if (job.status !== 70 || job.reason !== null || job.exitCode !== 0) throw new Error(await tellEnd(job, plane))
  const files = listExpected(plane)
  const rows = new Map(
    z
      .array(rowSchema)
      .parse(job.results)
      .map((row) => [row.path, row]),
  )
  const indexOf = (path: string): number => rows.get(path)?.index ?? -1
  const { provider, operator, ipfsOnly } = plane.doorsTo(job.jobId)

  const describe = (one: { sizeBytes: number; sha256: string }) => [one.sizeBytes, one.sha256]
  const planned = Object.fromEntries(files.map((file) => [file.path, describe(file.planned)]))
  const row = Object.fromEntries(files.map(({ path }) => [path, [rows.get(path)?.filesize, rows.get(path)?.sha256]]))
  expect(row).toEqual(planned)

  const [stagedStatus, stagedText] = await fetchText(operator(indexOf('outputs/staged.json')))
  expect(stagedStatus).toBe(200)
  const staged = stagingManifestSchema.parse(JSON.parse(stagedText)).files
  expect(Object.fromEntries(staged.map((one) => [`${one.did} ${one.index}`, describe(one)]))).toMatchObject(
    Object.fromEntries(files.map(({ did, index, planned }) => [`${did} ${index}`, describe(planned)])),
  )
  const [, manifestText] = await fetchText(ipfsOnly(indexOf('manifest.json')))
  const manifest = manifestSchema.parse(JSON.parse(manifestText)).files
  const manifested = Object.fromEntries(manifest.map((one) => [one.path, describe(one)]))
  expect(manifested).toEqual({
    ...planned,
    'outputs/staged.json': [stagedText.length, createHash('sha256').update(stagedText).digest('hex')],
  })

  for (const { path, planned } of files) {
    const wanted = { path, status: 200, sizeBytes: planned.sizeBytes, sha256: planned.sha256 }
    for (const address of [provider, ipfsOnly]) {
      const { headers, ...fetched } = await fetchWhole(address(indexOf(path)))
      expect({ path, ...fetched }).toEqual(wanted)
      expect(headers).toMatchObject({ etag: `"${planned.sha256}"`, 'accept-ranges': 'bytes' })
    }
    for (const part of choseParts(planned.sizeBytes)) {
      const end = part.start + part.length - 1
      const headers = { Range: `bytes=${part.start}-${end}`, 'If-Range': `"${planned.sha256}"` }
      const bytes = partOf(planned, part)
      for (const address of [provider, operator, ipfsOnly]) {
        const [status, body] = await fetchPart(address(indexOf(path)), headers)
        expect([path, part, status, body.equals(bytes)]).toEqual([path, part, 206, true])
      }
    }
  }
}

/** What became of a job that did not end well, with its logs. */
async function tellEnd(job: JobStatusAnswer, plane: DataPlane): Promise<string> {
  const logs = job.results === '' ? [] : job.results.filter(({ filename }) => filename.endsWith('.log'))
  const { operator } = plane.doorsTo(job.jobId)
  const texts = await Promise.all(logs.map(async ({ index = -1 }) => (await fetchText(operator(index)))[1]))
  return [`it ended as ${job.status}, ${job.reason}`, ...texts, JSON.stringify(job.timeline)].join('\n')
}

/** Its first bytes, its last, some across the borders of parts and segments, and what a broken download would ask for. */
function choseParts(sizeBytes: number): { start: number; length: number }[] {
  const parts = [
    { start: 0, length: 1 },
    { start: 65_535, length: 2 },
    { start: 8 * MIB - 1, length: MIB + 2 },
    { start: Math.floor(sizeBytes / 3), length: 100_001 },
    { start: sizeBytes - 70_000, length: 70_000 },
    { start: sizeBytes - 1, length: 1 },
  ]
  return parts.filter(({ start, length }) => start >= 0 && start + length <= sizeBytes)
}

function listExpected(plane: DataPlane): ExpectedFile[] {
  return plane.datasets.flatMap(({ asset, files }) =>
    files.map((planned, index) => {
      const folder = asset.did.replace('did:op:', '')
      return { planned, did: asset.did, index, path: `outputs/${folder}/${index}` }
    }),
  )
}
