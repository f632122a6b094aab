import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { createChainWallet } from '@c2d/chain'
import { DEV_CHAIN_ID, devWallet, findFreePort, startChain, type Chain } from '@c2d/dev-servers'
import { sleep } from '@c2d/runtime'
import type { ChainState } from './chain-state.ts'
import { withPatience } from './patience.ts'

/** How deep a block must be to stay: no fault takes back more. */
export const CONFIRMATIONS = 3
/** The operator's account. */
export const OPERATOR = devWallet(6)
const BLOCK_EVERY_MS = 400
/** How often the wallet's owner tries to get between two transactions of ours. */
const TRIES = 8
/** Enough to be mined before whatever else has the same nonce. */
const FOREIGN_FEE_PERCENT = 500
const ELSEWHERE = '0x000000000000000000000000000000000000bEEF'

/** A chain with one node, to which anything may happen; what is buried `CONFIRMATIONS` deep stays. */
export interface TormentedChain {
  readonly port: number
  readonly rpcUrl: string
  /** The node is killed and comes back, without whatever waited to be mined. */
  restart(downMs: number): Promise<void>
  /** The node neither answers nor refuses for a while. */
  freeze(forMs: number): Promise<void>
  /** The node forgets what waits to be mined. */
  dropTransactions(): Promise<void>
  /** The newest blocks never were, and what was in them is forgotten, by whomever it was sent. */
  takeBack(blocks: number): Promise<void>
  /**
   * The owner of the operator's wallet sends something by himself, with a nonce that may have been meant for another.
   * @param isLost whether the chain takes it back, with one of ours that was given the nonce behind it
   */
  spendNonce(isLost: boolean): Promise<void>
  /** Transactions of the operator's wallet that are mined. */
  countSent(): Promise<number>
  close(): Promise<void>
}

/** Starts the chain from a state; blocks come by the clock, so that transactions wait to be mined. */
export async function startTormentedChain(state: ChainState): Promise<TormentedChain> {
  const folder = await mkdtemp(join(tmpdir(), 'c2d-chaos-node-'))
  const dumped = join(folder, 'state.json')
  const port = await findFreePort()
  let chain: Chain = await startChain({ port, initialStateFile: state.file })
  const { url } = chain
  const wallet = createChainWallet({ chainId: DEV_CHAIN_ID, rpcUrls: [url] }, OPERATOR.privateKey)
  const foreign: string[] = []
  let isOpen = true
  let turn: Promise<unknown> = Promise.resolve()
  /** A block may be taken back once: below this height it has been tried. */
  let tried = 0

  async function call(method: string, ...params: unknown[]): Promise<unknown> {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      signal: AbortSignal.timeout(10_000),
    })
    const { result, error } = (await response.json()) as { result?: unknown; error?: { message: string } }
    if (error) throw new Error(`${method}: ${error.message}`)
    return result
  }
  const height = async (): Promise<number> => Number(await call('eth_blockNumber'))

  /** What a node has just begun with is no block it could take back. */
  async function onStarted(): Promise<void> {
    await withPatience(() => call('evm_setAutomine', false))
    tried = (await withPatience(height)) + CONFIRMATIONS
  }
  await onStarted()

  /** No block comes while somebody has the turn. */
  async function inTurn(act: () => Promise<unknown>): Promise<void> {
    turn = turn.catch(() => undefined).then(act) // the failure before was told to whom it concerned
    await turn
  }

  async function mine(): Promise<void> {
    while (isOpen) {
      // While the node is away there are no blocks; the next ones come when it is back.
      await inTurn(() => call('evm_mine')).catch(() => undefined)
      await sleep(BLOCK_EVERY_MS)
    }
  }
  const mining = mine()

  /** Of a node that comes back, others still know what was sent by others; ours are for the engines to send again. */
  async function rememberForeign(): Promise<void> {
    for (const raw of foreign) await call('eth_sendRawTransaction', raw).catch(() => undefined)
  }

  async function waitForHeight(least: number): Promise<void> {
    while ((await withPatience(height)) < least) await sleep(BLOCK_EVERY_MS)
  }

  async function takeBack(blocks: number): Promise<void> {
    await waitForHeight(tried)
    await inTurn(async () => {
      tried = await withPatience(height)
      await call('anvil_rollback', blocks)
      foreign.length = 0 // for good: what was given later nonces than these waits for nobody
    })
  }

  /** @returns its nonce */
  async function sendForeign(): Promise<number> {
    const nonce = await wallet.countSent()
    const options = { nonce, gasLimit: 50_000n, feePercent: FOREIGN_FEE_PERCENT }
    const { raw } = await wallet.sign({ to: ELSEWHERE, data: '0x' }, options)
    await wallet.broadcast(raw)
    foreign.push(raw)
    return nonce
  }

  /** @returns whether one of ours was mined behind what the owner sent, while that is not buried yet */
  async function getBetween(): Promise<boolean> {
    const countSent = (): Promise<number> => withPatience(() => wallet.countSent())
    const nonce = await withPatience(sendForeign)
    const giveUpAtMs = Date.now() + CONFIRMATIONS * 4 * BLOCK_EVERY_MS
    while ((await countSent()) <= nonce && Date.now() < giveUpAtMs) await sleep(50)
    const last = (await withPatience(height)) + CONFIRMATIONS - 2
    while ((await countSent()) <= nonce + 1 && (await withPatience(height)) < last) await sleep(50)
    return (await countSent()) > nonce + 1
  }

  return {
    port,
    rpcUrl: url,
    restart: (downMs) =>
      inTurn(async () => {
        const packed = String(await withPatience(() => call('anvil_dumpState')))
        await writeFile(dumped, await promisify(gunzip)(Buffer.from(packed.slice(2), 'hex')))
        process.kill(chain.pid, 'SIGKILL')
        await chain.stop()
        await sleep(downMs)
        // The port was free for a moment, and somebody's outgoing connection may sit on it.
        chain = await withPatience(() => startChain({ port, initialStateFile: dumped }))
        await onStarted()
        await rememberForeign()
      }),
    async freeze(forMs) {
      process.kill(chain.pid, 'SIGSTOP')
      await sleep(forMs)
      process.kill(chain.pid, 'SIGCONT')
    },
    async dropTransactions() {
      await withPatience(() => call('anvil_dropAllTransactions'))
    },
    takeBack,
    async spendNonce(isLost) {
      if (!isLost) {
        await withPatience(sendForeign)
        return
      }
      await waitForHeight(tried) // so that it can be taken back as soon as it is mined
      for (let tries = 0; tries < TRIES; tries += 1) {
        if (await getBetween()) return takeBack(CONFIRMATIONS)
      }
    },
    countSent: () => wallet.countSent(),
    async close() {
      isOpen = false
      await mining
      wallet.close()
      await chain.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
