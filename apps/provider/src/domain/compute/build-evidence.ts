import type { StartEvidence } from '@c2d/contracts'
import type { AssetService } from '../assets/resolve-asset.ts'
import type { Verdict } from './docket.ts'

/** A service of this run and the transaction that ordered it. */
interface Ordered {
  target: AssetService
  transferTxId: string | null | undefined
}

/**
 * What the proof of a job will say of its start: what was ordered, and what each rule said (docs/proof.md). The consent is
 * no part of the proof: it anchors one on chain, where the contract asks for it.
 */
export function buildEvidence(
  services: readonly Ordered[],
  verdicts: readonly Verdict[],
  consent: StartEvidence['consent'],
): StartEvidence {
  return {
    ...(consent ? { consent } : {}),
    orders: services.flatMap(({ target: { asset, service, serviceIndex }, transferTxId }) =>
      transferTxId
        ? [
            {
              did: asset.ddo.id,
              serviceId: service.id,
              serviceIndex,
              nft: asset.ddo.nftAddress,
              datatoken: service.datatokenAddress,
              txId: transferTxId.toLowerCase(),
            },
          ]
        : [],
    ),
    rules: verdicts.map(({ rule, resource, outcome }) => ({ rule, resource, verdict: outcome })),
  }
}
