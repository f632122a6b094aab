import { createHash } from 'node:crypto'
import { hashSeeded, makeSeeded } from './seeded-bytes.ts'

export type SourceKind = 'url' | 'ipfs' | 'arweave' | 'graphql' | 'smartcontract' | 's3'

/** A file of a dataset: which type of source it comes from, and what is in it. */
export interface PlannedFile {
  kind: SourceKind
  /** Names it; its bytes follow from it, unless a contract says them. */
  seed: string
  sizeBytes: number
  sha256: string
  /** What its contract answers: the file is this text as JSON. */
  said?: string
}

/** Of every type more than one: how much of the whole each file is, in percent; the first one is the rest. */
const DATASETS: readonly (readonly [SourceKind, number][])[] = [
  [
    ['url', NaN],
    ['ipfs', 11],
    ['arweave', 9],
    ['graphql', 6],
    ['smartcontract', 0],
  ],
  [
    ['s3', 17],
    ['smartcontract', 0],
    ['url', 3],
    ['ipfs', 2],
    ['s3', 5],
  ],
  [
    ['arweave', 3],
    ['graphql', 5],
    ['s3', 9],
    ['url', 0],
    ['smartcontract', 0],
  ],
]

/** Texts of contracts, in bytes: the code of one, where they stand, holds 24 KiB at most. */
const SAID_BYTES = [6, 2_002, 20_022]

/**
 * The datasets of the whole data plane's test: one file is empty, none has a round size.
 * @param options.totalBytes of all files together
 * @param options.seed makes them differ from those of another run
 */
export function planDatasets(options: { totalBytes: number; seed: string }): PlannedFile[][] {
  const said = SAID_BYTES.values()
  const sizes = DATASETS.map((files, dataset) =>
    files.map(([kind, percent], index) => {
      if (kind === 'smartcontract') return said.next().value ?? 0
      return percent === 0 ? 0 : Math.floor((options.totalBytes * percent) / 100) + 7 * dataset + index
    }),
  )
  const known = sizes.flat().filter((size) => !Number.isNaN(size))
  const rest = options.totalBytes - known.reduce((sum, size) => sum + size, 0)
  return DATASETS.map((files, dataset) =>
    files.map(([kind], index) => {
      const size = sizes[dataset]?.[index] ?? 0
      return planFile(kind, `${options.seed}-${dataset}-${index}`, Number.isNaN(size) ? rest : size)
    }),
  )
}

function planFile(kind: SourceKind, seed: string, sizeBytes: number): PlannedFile {
  if (kind !== 'smartcontract') return { kind, seed, sizeBytes, sha256: hashSeeded(seed, sizeBytes) }
  const said = makeSeeded(seed, { start: 0, length: (sizeBytes - 2) / 2 }).toString('hex')
  const sha256 = createHash('sha256').update(JSON.stringify(said)).digest('hex')
  return { kind, seed, sizeBytes, sha256, said }
}

/** A part of a planned file. */
export function partOf(file: PlannedFile, part: { start: number; length: number }): Buffer {
  if (file.said === undefined) return makeSeeded(file.seed, part)
  return Buffer.from(JSON.stringify(file.said)).subarray(part.start, part.start + part.length)
}
