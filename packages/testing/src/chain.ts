import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deployContracts, findFreePort, startChain, writeAddressFile, type ContractAddresses } from '@c2d/dev-servers'
import { loadChainStateFile } from './config.ts'
import { callRpc } from './rpc-call.ts'

/** A chain of one test file's own, with Ocean's contracts deployed and the development accounts funded. */
export interface TestChain {
  /** Its JSON-RPC endpoint; chain id 8996. */
  readonly rpcUrl: string
  readonly addresses: ContractAddresses
  /** The same addresses as a file for ocean.js and the provider (`ADDRESS_FILE`). */
  readonly addressFile: string
  /** Ends the chain and removes its files. Safe to repeat. */
  stop(): Promise<void>
  /** Remembers the present state; the returned id is good for one `revert`. */
  snapshot(): Promise<string>
  /** Goes back to that state, its clock included. Throws for an id that is unknown or used. */
  revert(id: string): Promise<void>
  /** Moves the chain's clock forward and mines a block with the new time. */
  increaseTime(seconds: number): Promise<void>
}

/** Starts a chain from the state that the run's global setup made, else deploys the contracts first. */
export async function startTestChain(): Promise<TestChain> {
  const initialStateFile = loadChainStateFile()
  const chain = await startChain({
    port: await findFreePort(),
    ...(initialStateFile !== undefined && { initialStateFile }),
  })
  const folder = await mkdtemp(join(tmpdir(), 'c2d-test-chain-'))
  const stop = async (): Promise<void> => {
    await chain.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const addresses = await deployContracts(chain.url)
    const addressFile = join(folder, 'address.json')
    await writeAddressFile(addressFile, addresses)
    return {
      rpcUrl: chain.url,
      addresses,
      addressFile,
      stop,
      snapshot: async () => String(await callRpc(chain.url, 'evm_snapshot', [])),
      revert: async (id) => {
        if ((await callRpc(chain.url, 'evm_revert', [id])) !== true) throw new Error(`there is no snapshot ${id}`)
      },
      increaseTime: async (seconds) => {
        await callRpc(chain.url, 'evm_increaseTime', [seconds])
        await callRpc(chain.url, 'evm_mine', [])
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}
