import { AppError } from '@c2d/runtime'
import type { OperatorService, Relayed } from '../../clients/operator-service.ts'
import { buildEvidence } from './build-evidence.ts'
import { buildWorkflow } from './build-workflow.ts'
import type { ComputeCase } from './compute-case.ts'
import { evaluateCompute, type EvaluationDeps } from './evaluate-compute.ts'

/** What starting a job needs; quoting one needs the same. */
export interface ComputeDeps extends EvaluationDeps {
  operator: OperatorService
  /** Milliseconds to wait for an order that is not on chain yet. */
  orderTimeoutMs: number
  metadataUri: string | null
}

/**
 * Judges a compute request whose signature has been checked and whose nonce is spent, and hands the workflow to the
 * operator.
 * @throws AppError `ComputeRefused` naming the part and the code; `EnvironmentNotFound`
 */
export async function startCompute(request: ComputeCase, deps: ComputeDeps): Promise<Relayed> {
  const mode = { orders: 'required', orderTimeoutMs: deps.orderTimeoutMs, stopsAtDeny: true } as const
  const { datasets, algorithm, checkedFiles, container, payers, docket, consumerOutput, derivedAsset, packaging } =
    await evaluateCompute(request, mode, deps)
  // The last payer names the agreement, as in the reference (§5.5); the run lasts as long as any of them pays for.
  const payer = payers?.at(-1)
  const inputs = datasets.flatMap(({ found }) => (found ? [found] : []))
  const isComplete = inputs.length === datasets.length
  if (!algorithm || !checkedFiles || !container || !payers || !payer || !isComplete) {
    // Every rule that leaves a part out has refused before: whatever comes here must not run.
    throw new AppError('Internal', { cause: new Error('a compute request was neither refused nor accepted') })
  }
  return deps.operator.start({
    workflow: buildWorkflow({
      inputs,
      algorithm,
      checkedFiles,
      container,
      algorithmOrder: request.algorithm.transferTxId ?? '',
      metadataUri: deps.metadataUri,
      consumerOutput,
      derivedAsset,
      packaging,
      evidence: buildEvidence(
        [
          ...inputs,
          ...(algorithm.kind === 'published'
            ? [{ target: algorithm.target, transferTxId: request.algorithm.transferTxId }]
            : []),
        ],
        docket.verdicts(),
        request.consent,
      ),
    }),
    agreementId: payer.transferTxId,
    owner: request.consumerAddress,
    environment: request.environment,
    validUntil: Math.max(...payers.map(({ order }) => order.validUntil)),
    chainId: payer.target.asset.chain.chainId,
  })
}
