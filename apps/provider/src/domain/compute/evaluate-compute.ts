import {
  computeDatasetSchema,
  type ComputeDataset,
  type Container,
  type DerivedAsset,
  type OutputPackaging,
} from '@c2d/contracts'
import type { OperatorService } from '../../clients/operator-service.ts'
import type { TrustLists } from './algorithm-policy.ts'
import type { CheckFiles } from '../access/check-files.ts'
import type { ComputeCase, EvaluationMode } from './compute-case.ts'
import {
  DATASET_RULES,
  ORDER_RULES,
  OUTPUT_RULES,
  PUBLISHED_ALGORITHM_RULES,
  PUBLISHED_RUN_RULES,
  RAW_ALGORITHM_RULES,
  RAW_RUN_RULES,
  type RuleId,
} from './compute-rules.ts'
import type { ConsumerOutputs } from './consumer-outputs.ts'
import { deny, HIDDEN, openDocket, type Denied, type Docket, type DocketSection } from './docket.ts'
import {
  judgeAlgorithm,
  judgeAlgorithmFiles,
  judgeAlgorithmForm,
  judgeAlgorithmRun,
  type AlgorithmCase,
} from './judge-algorithm.ts'
import {
  type DatasetCase,
  judgeDataset,
  judgeDatasetForm,
  judgePrivateAlgorithm,
  judgeTrust,
  judgeTrustedBytes,
} from './judge-dataset.ts'
import { judgeForeignFiles } from './judge-foreign-files.ts'
import { judgeOutputForm, judgeOutputStorage, type OutputWish } from './judge-output.ts'
import { judgePayment, sectionOf, type Payment, type PaymentSections } from './judge-payment.ts'

import type { ResolveAsset } from '../assets/resolve-asset.ts'
import { judgeDerivedAsset } from './judge-derived-asset.ts'
import type { FindHost } from '../assets/service-host.ts'

/** Datasets of one job, the main one included. */
const MAX_DATASETS = 100

/** What judging a compute request needs. */
export interface EvaluationDeps {
  /** Finds published assets, all as of one moment; each call opens a new one. */
  openMoment: () => ResolveAsset
  findHost: FindHost
  checkFiles: CheckFiles
  trustLists: TrustLists
  outputs: ConsumerOutputs
  /** Epoch seconds. */
  now: () => number
}

/** What was found out; parts whose rules said no are null. */
export interface ComputeEvaluation extends Payment {
  docket: Docket
  datasets: { dataset: ComputeDataset; found: DatasetCase | null }[]
  algorithm: AlgorithmCase | null
  /** SHA-256 of each file of a published algorithm; empty for code sent along. */
  checkedFiles: string[] | null
  container: Container | null
  /** The consumer's own storage, encrypted to the environment; null where none is named. */
  consumerOutput: string | null
  /** How the operator's storage is to keep the output. */
  packaging: OutputPackaging
  /** What the results are to become. */
  derivedAsset: DerivedAsset | null
}

/**
 * Judges a compute request by the rules of provider-http-api §8.3, the cheap ones first: what the request itself shows,
 * then documents, then orders, then the algorithm's bytes. Whoever did not pay costs no origin a byte. Of what one of
 * these steps refuses, the reference's first is told.
 * @throws AppError for the first refusal, where `mode.stopsAtDeny`; `UpstreamUnavailable`
 */
export async function evaluateCompute(
  request: ComputeCase,
  mode: EvaluationMode,
  deps: EvaluationDeps & { operator: OperatorService | null },
): Promise<ComputeEvaluation> {
  const docket = openDocket()
  const { additional, sections } = openSections(docket, request, mode)
  const checkpoint = (): void => {
    if (mode.stopsAtDeny) docket.assertClear()
  }
  const datasets = [request.dataset, ...(additional ?? [])]

  judgeAlgorithmForm(request.algorithm, sections.algorithm)
  datasets.forEach((dataset, index) => {
    const section = sections.datasets[index]
    if (section) judgeDatasetForm(dataset, section, mode.orders === 'required')
  })
  const wish = judgeOutputForm(request.output, sections.output)
  checkpoint()

  const { consumerAddress } = request
  const finders = { resolveAsset: deps.openMoment(), findHost: deps.findHost }
  const [algorithm, ...found] = await Promise.all([
    judgeAlgorithm(request.algorithm, consumerAddress, sections.algorithm, finders),
    ...datasets.map((dataset, index) =>
      judgeDataset({ dataset, isMain: index === 0, consumerAddress }, sectionOf(sections.datasets, index), finders),
    ),
  ])
  const container = algorithm && judgeAlgorithmRun(algorithm, sections.run)
  if (algorithm) {
    judgePrivateAlgorithm(algorithm, found, sections.run)
    found.forEach((one, index) => {
      if (one) judgeTrust(one, algorithm, sectionOf(sections.datasets, index), deps.trustLists)
    })
  }
  checkpoint()

  const { payers, terms } = await judgePayment(request, { algorithm, found, sections }, mode, deps)
  checkpoint()
  const consumerOutput = wish && (await judgeStorage(wish, request, { terms, section: sections.output }, mode, deps))
  const derivedAsset = judgeDerivedAsset(
    {
      output: request.output,
      consumerAddress,
      datasets: found,
      chainId: payers?.at(-1)?.target.asset.chain.chainId ?? found[0]?.target.asset.chain.chainId ?? null,
      terms: [...(terms?.values() ?? [])][0] ?? null,
    },
    sections.output,
  )
  checkpoint()

  const checkedFiles =
    algorithm?.kind === 'published' ? await judgeAlgorithmFiles(algorithm, sections.algorithm, deps) : []
  if (algorithm?.kind === 'published' && checkedFiles) {
    found.forEach((one, index) => {
      if (one) judgeTrustedBytes(one, algorithm, checkedFiles, sectionOf(sections.datasets, index), deps.trustLists)
    })
  }
  const foreignAlgorithm = algorithm?.kind === 'published' && algorithm.host.kind === 'peer'
  const counted = await judgeForeignFiles(found, sections.datasets, foreignAlgorithm ? (checkedFiles?.length ?? 0) : 0)
  checkpoint()

  const paired = datasets.map((dataset, index) => ({ dataset, found: counted[index] ?? null }))
  return {
    docket,
    datasets: paired,
    algorithm,
    checkedFiles,
    container,
    payers,
    terms,
    consumerOutput,
    derivedAsset,
    packaging: wish?.packaging ?? {},
  }
}

interface Sections extends PaymentSections {
  algorithm: DocketSection
  output: DocketSection
}

/** Opens the sections in the order in which the reference complains. */
function openSections(
  docket: Docket,
  { algorithm, additionalDatasets }: ComputeCase,
  { orders }: EvaluationMode,
): { additional: ComputeDataset[] | null; sections: Sections } {
  const asked = (rules: readonly RuleId[]): RuleId[] =>
    orders === null ? rules.filter((rule) => !ORDER_RULES.includes(rule)) : [...rules]
  const section = (resource: string, rules: readonly RuleId[]): DocketSection => docket.section(resource, asked(rules))

  const form = section('additional_input', ['additional-datasets-form'])
  const additional = form.judge('additional-datasets-form', parseAdditional(additionalDatasets))
  const isPublished = Boolean(algorithm.documentId)
  return {
    additional,
    sections: {
      algorithm: section('algorithm', isPublished ? PUBLISHED_ALGORITHM_RULES : RAW_ALGORITHM_RULES),
      datasets: [null, ...(additional ?? [])].map((_, index) => section(datasetResource(index), DATASET_RULES)),
      run: section('algorithm', isPublished ? PUBLISHED_RUN_RULES : RAW_RUN_RULES),
      environment: section('environment', orders === null ? [] : ['environment-known']),
      order: section('order', ['fees-paid']),
      output: section('output', OUTPUT_RULES),
    },
  }
}

/** Before any of them is looked at: each costs the cache and the chain several questions. */
function parseAdditional(additionalDatasets: unknown): ComputeDataset[] | Denied {
  const parsed = computeDatasetSchema.array().safeParse(additionalDatasets || [])
  if (!parsed.success) return deny('invalid')
  if (parsed.data.length < MAX_DATASETS) return parsed.data
  const sentence = `A job has at most ${MAX_DATASETS} datasets.`
  return deny('invalid', { sentence, change: 'Run the algorithm several times, on fewer datasets each.' })
}

/** Only for callers who signed: for anybody else this would be a way to try ciphertexts and addresses. */
async function judgeStorage(
  wish: OutputWish,
  { consumerAddress }: ComputeCase,
  { terms, section }: { terms: ComputeEvaluation['terms']; section: DocketSection },
  { orders }: EvaluationMode,
  { outputs }: EvaluationDeps,
): Promise<string | null> {
  if (wish.encrypted !== null && (orders === 'hidden' || orders === null)) {
    section.skip('output-storage', HIDDEN)
    return null
  }
  if (wish.encrypted !== null && terms === null) return null
  const publicKey = [...(terms?.values() ?? [])][0]?.consumerPublicKey ?? null
  return judgeOutputStorage(wish, { consumerAddress, publicKey }, section, outputs)
}

/** The name of a dataset in refusals: `dataset`, then `datasets[i]` (provider-http-api §8.3). */
function datasetResource(index: number): string {
  return index === 0 ? 'dataset' : `datasets[${index}]`
}
