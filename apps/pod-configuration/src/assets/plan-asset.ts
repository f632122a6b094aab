import { join } from 'node:path'
import { didSuffix, STAGING_MANIFEST_FILE, type StageAlgorithm, type StageInput } from '@c2d/contracts'
import type { WrittenFile } from '@c2d/storage'
import type { VolumeLayout } from '../layout.ts'
import { ProvisionError } from '../provision-error.ts'

/** What is to be staged of one dataset or algorithm, and where it goes. */
export interface AssetPlan {
  asset: StageInput | StageAlgorithm
  /** Empty where the workflow gives none. */
  did: string
  /** For sentences: `Dataset did:op:…`. */
  title: string
  folder: string
  /** Where files lie until they are whole. */
  partialFolder: string
  /** Name of the file at a position: `0`, `1` … for datasets; `algorithm`, `1` … for algorithms. */
  nameOf: (index: number) => string
  /** Whether the log, which the consumer reads, may tell hashes of files. */
  tellsHashes: boolean
  /** Throws to refuse the bytes of a file. */
  accept: (index: number, file: WrittenFile) => void
  /** Called with the number of files, before any is fetched. */
  acceptCount: (count: number) => void
  /** Throws: the bytes are not the expected ones. */
  refuse: (sentence: string) => never
}

/** What stands beside the folders of datasets. */
const TAKEN_NAMES = new Set([STAGING_MANIFEST_FILE, 'algoCustomData.json', '.partial'])
const MAX_NAME_BYTES = 255

/** The plan of a dataset: files `0`, `1` … below `/data/inputs/<did>/` (pods-behaviour §1.10). */
export function planInput(input: StageInput, layout: VolumeLayout): AssetPlan {
  const did = input.id
  if (!did || !isUsableId(did)) {
    throw new ProvisionError('InputFetchFailed', 'An input of the workflow has no usable id.')
  }
  const refuse = (sentence: string): never => {
    throw new ProvisionError('InputRejected', sentence)
  }
  return {
    asset: input,
    did,
    title: `Dataset ${did}`,
    folder: layout.inputFolder(did),
    partialFolder: layout.partialInputs,
    nameOf: String,
    tellsHashes: input.saltFileHashes !== true,
    ...checksOf(input.checkedFiles, `Dataset ${did}`, refuse),
  }
}

/** The plan of an algorithm: first file `algorithm`; only the bytes that were checked at the start pass (DESIGN §4.4). */
export function planAlgorithm(algorithm: StageAlgorithm, layout: VolumeLayout): AssetPlan {
  const did = algorithm.id ?? ''
  if (did !== '' && !isUsableId(did)) {
    throw new ProvisionError('AlgorithmFetchFailed', 'The algorithm of the workflow has no usable id.')
  }
  const refuse = (sentence: string): never => {
    throw new ProvisionError('AlgorithmRejected', sentence)
  }
  return {
    asset: algorithm,
    did,
    title: 'The algorithm',
    folder: layout.transformations,
    partialFolder: layout.partialTransformations,
    nameOf: (index) => (index === 0 ? 'algorithm' : String(index)),
    tellsHashes: true,
    ...checksOf(algorithm.checkedFiles, 'The algorithm', refuse),
  }
}

/** It becomes the name of a folder and of a file: a workflow must not choose where they land. */
function isUsableId(did: string): boolean {
  const name = didSuffix(did)
  const isName = !/[\\/\p{Cc}]|^\.*$/u.test(name) && Buffer.byteLength(name) <= MAX_NAME_BYTES
  return isName && !TAKEN_NAMES.has(name)
}

function checksOf(
  checked: readonly string[] | undefined,
  title: string,
  refuse: (sentence: string) => never,
): Pick<AssetPlan, 'accept' | 'acceptCount' | 'refuse'> {
  return {
    refuse,
    acceptCount(count) {
      if (checked && checked.length !== count) refuse(`${title} has another number of files than were checked.`)
    },
    accept(index, file) {
      if (checked && checked[index] !== file.sha256) {
        refuse(`File ${index} of ${title.replace(/^The/, 'the')} is not the one that was checked.`)
      }
    },
  }
}

/** Where the file at a position goes. */
export function pathOf(plan: AssetPlan, index: number): string {
  return join(plan.folder, plan.nameOf(index))
}
