import type { ComputeAlgorithm, ComputeDataset, Container, StageAlgorithm, Workflow } from '@c2d/contracts'
import type { PreparedAlgorithm } from './prepare-algorithm.ts'
import type { AssetService } from './resolve-asset.ts'

/** A dataset that may be used, with what was asked of it. */
export interface WorkflowInput {
  target: AssetService
  dataset: ComputeDataset
}

/** The parts of a checked compute request. */
export interface WorkflowParts {
  inputs: readonly WorkflowInput[]
  algorithm: PreparedAlgorithm
  container: Container
  request: ComputeAlgorithm
  metadataUri: string | null
}

/** What the reference always asks for; the engine's own limits replace it (provider-http-api §8.2). */
const COMPUTE_BLOCK = { Instances: 1, namespace: 'ocean-compute', maxtime: 3600 }

/** Request + assets + orders → the one stage of a workflow (provider-http-api §8.2). */
export function buildWorkflow(parts: WorkflowParts): Workflow {
  return {
    stages: [
      {
        index: 0,
        input: parts.inputs.map(({ target, dataset }, index) => ({
          index,
          id: target.asset.ddo.id,
          remote: {
            txId: dataset.transferTxId ?? '',
            serviceId: target.service.id,
            ...(dataset.userdata ? { userdata: dataset.userdata } : {}),
          },
        })),
        compute: COMPUTE_BLOCK,
        algorithm: buildAlgorithm(parts),
        output: { metadataUri: parts.metadataUri },
      },
    ],
  }
}

function buildAlgorithm({ algorithm, container, request }: WorkflowParts): StageAlgorithm {
  const custom = request.algocustomdata === undefined ? {} : { algocustomdata: request.algocustomdata }
  if (algorithm.kind === 'raw') {
    const { url, rawcode } = algorithm.meta
    return { id: '', url: url ?? null, rawcode: rawcode ?? null, container, ...custom }
  }
  const { asset, service } = algorithm.target
  const userdata = request.algouserdata ?? request.userdata ?? null
  return {
    id: asset.ddo.id,
    rawcode: '',
    container,
    algouserdata: null,
    remote: {
      serviceEndpoint: service.serviceEndpoint,
      txId: request.transferTxId ?? '',
      serviceId: service.id,
      userData: userdata,
      // The reference writes `userData`, its pods read `userdata`: parameters got lost between them.
      userdata,
    },
    checkedFiles: algorithm.checkedFiles,
    ...custom,
  }
}
