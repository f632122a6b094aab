import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addressOf, buildProviderFee, computeDid } from '@c2d/chain'
import type { ProofOrder } from '@c2d/contracts'
import {
  DEV_ACCOUNTS,
  DEV_CHAIN_ID,
  deployContracts,
  findFreePort,
  startChain,
  type ContractAddresses,
} from '@c2d/dev-servers'
import { createOceanActor } from '@c2d/testing'

/** What the chain of every run begins with: the contracts, and an order for each job. */
export interface ChainState {
  /** Remembered by anvil, as a file. */
  readonly file: string
  readonly addresses: ContractAddresses
  readonly orders: readonly ProofOrder[]
  remove(): Promise<void>
}

/**
 * Makes the state that runs begin with.
 * @param options.orders how many
 * @param options.environmentKey whose address the orders are for
 */
export async function createChainState(options: { orders: number; environmentKey: string }): Promise<ChainState> {
  const folder = await mkdtemp(join(tmpdir(), 'c2d-chaos-chain-'))
  const file = join(folder, 'state.json')
  const chain = await startChain({ port: await findFreePort(), stateFile: file })
  const addresses = await deployContracts(chain.url)
  const actor = createOceanActor(chain.url, addresses.ERC721Factory, DEV_ACCOUNTS.publisher.index)
  try {
    const { nft, datatoken } = await actor.publish()
    await actor.mintDatatoken(datatoken, actor.address)
    const orders: ProofOrder[] = []
    for (let index = 0; index < options.orders; index += 1) {
      const fee = buildProviderFee(
        {
          providerData: { environment: 'chaos', timestamp: 1_700_000_000 + index, dt: datatoken, id: 's' },
          feeToken: addresses.Ocean,
          amountWei: 0n,
          validUntil: 4_000_000_000,
        },
        DEV_ACCOUNTS.provider.publishedPrivateKey,
      )
      const txId = await actor.order(datatoken, addressOf(options.environmentKey), 0, fee)
      orders.push({ did: computeDid(nft, DEV_CHAIN_ID), serviceId: 's', serviceIndex: 0, nft, datatoken, txId })
    }
    return { file, addresses, orders, remove: () => rm(folder, { recursive: true, force: true }) }
  } finally {
    actor.close()
    await chain.stop() // which writes the file
  }
}
