import { DEV_CHAIN_ID } from '@c2d/dev-servers'
import type { ProofOrder } from '@c2d/contracts'
import type { ChainState } from './chain-state.ts'
import { openNetwork, type Network } from './network.ts'
import { CONFIRMATIONS, OPERATOR, startTormentedChain, type TormentedChain } from './tormented-chain.ts'

/** Sooner than anything is mined that was dropped or priced too low. */
const OUTBID_SECONDS = 6

/** The chain of one run, and a wire to it for each engine. */
export interface PublishingWorld {
  readonly chain: TormentedChain
  readonly wires: readonly Network[]
  readonly factoryAddress: string
  readonly startBlock: number
  /** One for each job. */
  readonly orders: readonly ProofOrder[]
  /** What an engine is told of it, as environment variables. */
  settingsOf(engine: number): Record<string, string>
  close(): Promise<void>
}

/** Starts the chain of a run from what all runs begin with. @param engines how many */
export async function createPublishingWorld(state: ChainState, engines: number): Promise<PublishingWorld> {
  const chain = await startTormentedChain(state)
  const wires = await Promise.all(Array.from({ length: engines }, () => openNetwork({ port: chain.port })))
  const { ERC721Factory: factoryAddress, startBlock } = state.addresses
  return {
    chain,
    wires,
    factoryAddress,
    startBlock,
    orders: state.orders,
    settingsOf: (engine) => ({
      WALLETS: JSON.stringify([
        {
          chainId: DEV_CHAIN_ID,
          rpcUrls: [`http://127.0.0.1:${wires[engine]?.port ?? 0}`],
          privateKey: OPERATOR.privateKey,
          confirmations: CONFIRMATIONS,
          outbidSeconds: OUTBID_SECONDS,
          anchorProofs: true,
          factoryAddress,
        },
      ]),
    }),
    async close() {
      await Promise.all(wires.map((wire) => wire.close()))
      await chain.close()
    },
  }
}
