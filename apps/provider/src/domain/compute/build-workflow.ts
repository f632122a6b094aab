import type { Container, DerivedAsset, OutputPackaging, StageAlgorithm, StartEvidence, Workflow } from '@c2d/contracts'
import type { AlgorithmCase } from './judge-algorithm.ts'
import type { DatasetCase } from './judge-dataset.ts'

/** The parts of a checked compute request. */
export interface WorkflowParts {
  inputs: readonly Pick<DatasetCase, 'target' | 'transferTxId' | 'userdata' | 'foreignFiles'>[]
  algorithm: AlgorithmCase
  /** SHA-256 of each file of a published algorithm. */
  checkedFiles: string[]
  container: Container
  /** The transaction that ordered a published algorithm. */
  algorithmOrder: string
  metadataUri: string | null
  /** Encrypted to the environment. */
  consumerOutput: string | null
  derivedAsset: DerivedAsset | null
  packaging: OutputPackaging
  evidence: StartEvidence
}

/** What the reference always asks for; the engine's own limits replace it (provider-http-api §8.2). */
const COMPUTE_BLOCK = { Instances: 1, namespace: 'ocean-compute', maxtime: 3600 }

/** Request + assets + orders → the one stage of a workflow (provider-http-api §8.2). */
export function buildWorkflow(parts: WorkflowParts): Workflow {
  return {
    stages: [
      {
        index: 0,
        input: parts.inputs.map(({ target, transferTxId, userdata, foreignFiles }, index) => ({
          index,
          id: target.asset.ddo.id,
          remote: {
            // Beside the reference: where no metadata cache tells a pod where to ask, this does.
            serviceEndpoint: target.service.serviceEndpoint,
            txId: transferTxId ?? '',
            serviceId: target.service.id,
            ...(userdata ? { userdata } : {}),
            ...(foreignFiles === undefined ? {} : { foreignFiles }),
          },
          ...(target.service.compute?.saltFileHashes === true ? { saltFileHashes: true } : {}),
        })),
        compute: { ...COMPUTE_BLOCK, allowNetworkAccess: allowsNetwork(parts.inputs) },
        algorithm: buildAlgorithm(parts),
        output: {
          metadataUri: parts.metadataUri,
          ...parts.packaging,
          ...(parts.consumerOutput === null ? {} : { consumerOutput: parts.consumerOutput }),
          ...(parts.derivedAsset === null ? {} : { derivedAsset: parts.derivedAsset }),
        },
        evidence: parts.evidence,
      },
    ],
  }
}

/** A job may reach the network only where every dataset in it says so (DESIGN §4.2). */
function allowsNetwork(inputs: WorkflowParts['inputs']): boolean {
  return inputs.length > 0 && inputs.every(({ target }) => target.service.compute?.allowNetworkAccess === true)
}

function buildAlgorithm({ algorithm, checkedFiles, container, algorithmOrder }: WorkflowParts): StageAlgorithm {
  const { customData } = algorithm
  const custom = customData === undefined ? {} : { algocustomdata: customData }
  if (algorithm.kind === 'raw') {
    const { url, rawcode } = algorithm.meta
    return { id: '', url: url ?? null, rawcode: rawcode ?? null, container, ...custom }
  }
  const { asset, service } = algorithm.target
  const foreign = algorithm.host.kind === 'peer' ? { foreignFiles: checkedFiles.length } : {}
  const userdata = algorithm.userdata ?? null
  return {
    id: asset.ddo.id,
    rawcode: '',
    container,
    algouserdata: null,
    remote: {
      serviceEndpoint: service.serviceEndpoint,
      txId: algorithmOrder,
      serviceId: service.id,
      userData: userdata,
      // The reference writes `userData`, its pods read `userdata`: parameters got lost between them.
      userdata,
      ...foreign,
    },
    checkedFiles,
    ...custom,
  }
}
