import type { DerivedAssetOffer } from '@c2d/contracts'
import { sumDerivedBytes } from '@c2d/operator-db'
import type { Database } from '@c2d/postgres'
import { toError, type Logger } from '@c2d/runtime'
import type { EnvironmentConfig } from '../config.ts'
import type { OperatorWallets } from '../transactions/operator-wallet.ts'

/** What environments offer to make of results. */
export interface AssetOffers {
  /** Looks at balances and at what is stored. */
  refresh(): Promise<void>
  /** As of the last look; null where an environment makes no assets. */
  of(environment: EnvironmentConfig): DerivedAssetOffer | null
}

/** Three transactions make an asset. */
const TRANSACTIONS = 3n

/**
 * Knows which wallets can pay for an asset and how much room is left, without anybody waiting for a chain: it looks when
 * it is told to. A chain that cannot be read offers nothing until it can.
 */
export function createAssetOffers(
  environments: readonly EnvironmentConfig[],
  { db, wallets, log }: { db: Database; wallets: OperatorWallets; log: Logger },
): AssetOffers {
  const offering = environments.filter(({ derivedAssets }) => derivedAssets !== undefined)
  let chains: number[] = []
  let used = new Map<string, number>()

  async function canPay(chainId: number): Promise<boolean> {
    const operator = wallets.get(chainId)
    if (operator?.factoryAddress === undefined) return false
    try {
      return await operator.wallet.canPay(operator.maxGas * TRANSACTIONS)
    } catch (thrown) {
      log.warn({ chainId, err: toError(thrown) }, 'the balance of a wallet cannot be read')
      return false
    }
  }

  return {
    async refresh() {
      if (offering.length === 0) return
      const asked = [...wallets.keys()]
      const answers = await Promise.all(asked.map(canPay))
      chains = asked.filter((_chainId, index) => answers[index])
      used = await sumDerivedBytes(
        db,
        offering.map(({ id }) => id),
      )
    },
    of({ id, derivedAssets }) {
      if (!derivedAssets) return null
      const { maxBytes, price } = derivedAssets
      return { chains, freeBytes: Math.max(0, maxBytes - (used.get(id) ?? 0)), ...(price > 0 ? { price } : {}) }
    },
  }
}
