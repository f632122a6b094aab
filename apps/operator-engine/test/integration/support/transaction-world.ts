import { createChainWallet, type ChainWallet, type TransactionCall } from '@c2d/chain'
import { devWallet } from '@c2d/dev-servers'
import { listTransactions, MIGRATIONS, type ChainTransaction } from '@c2d/operator-db'
import { migrateToLatest, openDatabase, type Database } from '@c2d/postgres'
import { createLogger } from '@c2d/runtime'
import { createOceanActor, createTestDatabase, startTestChain, type OceanActor, type TestChain } from '@c2d/testing'
import { Interface } from 'ethers'
import { sendOnce, type SendOnce } from '../../../src/transactions/send-once.ts'
import { settleTransactions, type SettleDeps } from '../../../src/transactions/settle-transactions.ts'

const ERC20 = new Interface(['function approve(address spender, uint256 amount)'])
export const JOB_ID = 'b'.repeat(32)
/** Whom the wallet allows to spend. */
export const SPENDER = '0x000000000000000000000000000000000000bEEF'
/** Where the owner of the wallet sends something by hand. */
export const ELSEWHERE = '0x00000000000000000000000000000000000Ca11e'
export const PATIENT = { confirmations: 2, outbidAfterMs: 3_600_000, lookEveryMs: 0 }

/** A chain and an operator's wallet on it: one for a file of tests. */
export interface WalletChain {
  chain: TestChain
  actor: OceanActor
  wallet: ChainWallet
  /** The same wallet, as another process has it; whoever opens it closes it. */
  openWallet: () => ChainWallet
  mine: (blocks?: number) => Promise<unknown>
  /** Whether what is sent is mined at once; turned on again, so is what waits. */
  mining: (isOn: boolean) => Promise<void>
  close: () => Promise<void>
}

/** The wallet's transactions as an engine keeps them, in a database of one test's own. `close` leaves the chain be. */
export interface TransactionWorld extends WalletChain {
  databaseUrl: string
  db: Database
  deps: () => SettleDeps
  /** A call that succeeds. */
  approval: (amount: bigint) => TransactionCall
  /** Sends one for a purpose. */
  approve: (purpose: string, amount?: bigint) => Promise<SendOnce>
  /** Looks at what is under way; gives how many were settled. */
  look: (limits?: typeof PATIENT) => Promise<number>
  /** The job's first transaction. */
  one: () => Promise<ChainTransaction>
}

/** Starts the chain; everything is mined as it comes. */
export async function createWalletChain(): Promise<WalletChain> {
  const chain = await startTestChain()
  const actor = createOceanActor(chain.rpcUrl, chain.addresses.ERC721Factory, 0)
  const openWallet = () => createChainWallet({ chainId: 8996, rpcUrls: [chain.rpcUrl] }, devWallet(4).privateKey)
  const wallet = openWallet()
  const mine = (blocks = 1) => actor.rpc('anvil_mine', `0x${blocks.toString(16)}`)
  let mayMine = true
  return {
    chain,
    actor,
    wallet,
    openWallet,
    mine,
    async mining(isOn) {
      if (isOn === mayMine) return
      mayMine = isOn
      await actor.rpc('evm_setAutomine', isOn)
      if (isOn) await mine()
    },
    async close() {
      wallet.close()
      actor.close()
      await chain.stop()
    },
  }
}

/** Makes an empty database beside the chain, for one test. */
export async function createTransactionWorld(on: WalletChain): Promise<TransactionWorld> {
  const { chain, wallet } = on
  const database = await createTestDatabase({
    template: 'operator',
    migrate: async (url) => {
      const template = openDatabase({ url, applicationName: 'template' })
      await migrateToLatest(template, MIGRATIONS)
      await template.destroy()
    },
  })
  const db = openDatabase({ url: database.url, applicationName: 'transactions' })
  const deps = () => ({
    db,
    by: 'engine test',
    nowMs: Date.now,
    log: createLogger({ component: 'test', level: 'silent' }),
  })
  const approval = (amount: bigint) => ({
    to: chain.addresses.Ocean,
    data: ERC20.encodeFunctionData('approve', [SPENDER, amount]),
  })
  return {
    ...on,
    databaseUrl: database.url,
    db,
    deps,
    approval,
    approve: (purpose, amount = 1n) =>
      sendOnce({ purpose, jobId: JOB_ID, call: () => approval(amount) }, { maxGas: 100_000n }, { db, wallet }),
    look: (limits = PATIENT) => settleTransactions(wallet, limits, deps()),
    one: async () => (await listTransactions(db, JOB_ID))[0]!,
    async close() {
      await on.mining(true)
      await db.destroy()
      await database.drop()
    },
  }
}
