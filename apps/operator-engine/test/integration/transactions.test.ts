import { createChainWallet, type ChainWallet } from '@c2d/chain'
import { devWallet } from '@c2d/dev-servers'
import { listTransactions, MIGRATIONS } from '@c2d/operator-db'
import { migrateToLatest, openDatabase, type Database } from '@c2d/postgres'
import { createLogger } from '@c2d/runtime'
import {
  createOceanActor,
  createTestDatabase,
  startTestChain,
  type OceanActor,
  type TestChain,
  type TestDatabase,
} from '@c2d/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { Interface, Transaction } from 'ethers'
import { createGapHealer } from '../../src/transactions/heal-gap.ts'
import { sendOnce, type SendOnce } from '../../src/transactions/send-once.ts'
import { settleTransactions } from '../../src/transactions/settle-transactions.ts'

const ERC20 = new Interface(['function approve(address spender, uint256 amount)'])
const JOB_ID = 'b'.repeat(32)
const SPENDER = '0x000000000000000000000000000000000000bEEF'
const KEY = devWallet(4).privateKey
const PATIENT = { confirmations: 2, outbidAfterMs: 3_600_000, lookEveryMs: 0 }

let chain: TestChain
let database: TestDatabase
let db: Database
let actor: OceanActor
let wallet: ChainWallet
let mayMine = true
const deps = () => ({
  db,
  by: 'engine test',
  nowMs: Date.now,
  log: createLogger({ component: 'test', level: 'silent' }),
})

beforeAll(async () => {
  chain = await startTestChain()
  actor = createOceanActor(chain.rpcUrl, chain.addresses.ERC721Factory, 0)
  wallet = createChainWallet({ chainId: 8996, rpcUrls: [chain.rpcUrl] }, KEY)
})
afterAll(async () => {
  wallet.close()
  actor.close()
  await chain.stop()
})
beforeEach(async () => {
  database = await createTestDatabase({
    template: 'operator',
    migrate: async (url) => {
      const template = openDatabase({ url, applicationName: 'template' })
      await migrateToLatest(template, MIGRATIONS)
      await template.destroy()
    },
  })
  db = openDatabase({ url: database.url, applicationName: 'transactions' })
  await mining(true)
})
afterEach(async () => {
  await mining(true)
  await db.destroy()
  await database.drop()
})

async function mining(isOn: boolean): Promise<void> {
  if (isOn === mayMine) return
  mayMine = isOn
  await actor.rpc('evm_setAutomine', isOn)
  if (isOn) await mine()
}
const mine = (blocks = 1) => actor.rpc('anvil_mine', `0x${blocks.toString(16)}`)
const approve = (purpose: string, amount = 1n): Promise<SendOnce> =>
  sendOnce(
    {
      purpose,
      jobId: JOB_ID,
      call: () => ({ to: chain.addresses.Ocean, data: ERC20.encodeFunctionData('approve', [SPENDER, amount]) }),
    },
    { maxGas: 100_000n },
    { db, wallet },
  )
const look = (limits = PATIENT) => settleTransactions(wallet, limits, deps())
const ELSEWHERE = '0x00000000000000000000000000000000000Ca11e'
/** The owner of the wallet sends something by hand. */
const sendByHand = async (feePercent = 150): Promise<string> => {
  const nonce = await wallet.countSent()
  const { raw } = await wallet.sign({ to: ELSEWHERE, data: '0x' }, { nonce, gasLimit: 50_000n, feePercent })
  await wallet.broadcast(raw)
  return raw
}
/** What our transactions wait behind is taken back by the chain, and known to no node any more. */
const leaveGap = async (): Promise<{ nonce: number; byHand: string }> => {
  const nonce = await wallet.countSent()
  const snapshot = await actor.rpc('evm_snapshot')
  const byHand = await sendByHand()
  await approve('a')
  await approve('b')
  await actor.rpc('evm_revert', snapshot)
  expect(await wallet.countSent()).toBe(nonce)
  return { nonce, byHand }
}
const one = async () => (await listTransactions(db, JOB_ID))[0]!

describe('transactions of the operator', () => {
  it('behaviour: a purpose is one transaction, however often and by however many it is asked for', async () => {
    const before = await wallet.countSent()
    const asked = await Promise.all([approve('a'), approve('a'), approve('a'), approve('b')])
    expect(asked.map(({ state }) => state)).toEqual(['sent', 'sent', 'sent', 'sent'])
    expect(await wallet.countSent()).toBe(before + 2)
    expect((await listTransactions(db, JOB_ID)).map(({ nonce }) => nonce)).toEqual([before, before + 1])

    expect(await look()).toBe(0) // mined, but not deep enough
    await mine(2)
    expect(await look()).toBe(2)
    expect((await approve('a')).state).toBe('mined')
    expect(await wallet.countSent()).toBe(before + 2)
  })

  it('attack: a transaction that every node forgot is sent again, and is the same one', async () => {
    await mining(false)
    await approve('a')
    const { hashes } = await one()
    await actor.rpc('anvil_dropTransaction', hashes[0])
    await look()
    await mining(true)
    await mine(2)
    expect(await look()).toBe(1)
    expect((await one()).hashes).toEqual(hashes)
  })

  it('attack: a crash between keeping a transaction and sending it: the next engine sends it', async () => {
    const before = await wallet.countSent()
    const deaf = { ...wallet, broadcast: () => Promise.reject(new Error('killed')) }
    await sendOnce(
      {
        purpose: 'a',
        jobId: JOB_ID,
        call: () => ({ to: chain.addresses.Ocean, data: ERC20.encodeFunctionData('approve', [SPENDER, 5n]) }),
      },
      { maxGas: 100_000n },
      { db, wallet: deaf },
    )
    expect(await wallet.countSent()).toBe(before)
    await look()
    expect(await wallet.countSent()).toBe(before + 1)
  })

  it('attack: what is not mined for long is outbid, and one of the two happens', async () => {
    await mining(false)
    await approve('a')
    const before = await one()
    await look({ ...PATIENT, outbidAfterMs: -1 })
    const after = await one()
    expect(after.nonce).toBe(before.nonce)
    expect(after.hashes).toHaveLength(2)
    await mining(true)
    await mine(2)
    expect(await look()).toBe(1)
    expect(await one()).toMatchObject({ state: 'mined', nonce: before.nonce })
  })

  it('attack: a nonce that the owner of the wallet used elsewhere is given up, and the call still happens once', async () => {
    await mining(false)
    await approve('a', 77n)
    const { hashes, nonce } = await one()
    await actor.rpc('anvil_dropTransaction', hashes[0])
    const elsewhere = await wallet.sign({ to: SPENDER, data: '0x' }, { nonce, gasLimit: 50_000n, feePercent: 150 })
    await wallet.broadcast(elsewhere.raw)
    await mining(true)
    await mine(3)
    // Killed while it signs anew: the nonce it was about to take is nobody's, and holds up nothing.
    const dying = { ...wallet, sign: () => Promise.reject(new Error('killed')) }
    await settleTransactions(dying, PATIENT, deps())
    await look()
    const renewed = await one()
    expect(renewed.nonce).toBe((await wallet.countSent()) - 1)
    expect(renewed.nonce).toBeGreaterThan(nonce)
    await mine(3)
    expect(await look()).toBe(1)
    expect(await one()).toMatchObject({ state: 'mined' })
  })

  it('attack: a block that the chain takes back takes no transaction with it', async () => {
    const snapshot = await actor.rpc('evm_snapshot')
    await approve('a')
    expect(await look()).toBe(0)
    await actor.rpc('evm_revert', snapshot)
    expect(await wallet.findMined((await one()).hashes)).toBeNull()
    await look()
    await mine(2)
    expect(await look()).toBe(1)
    expect(await one()).toMatchObject({ state: 'mined' })
  })

  it('attack: what is mined while no engine looks, and met by another one, is the one that was sent', async () => {
    await mining(false)
    const before = await wallet.countSent()
    await approve('a')
    const { hashes } = await one()
    await mining(true)
    await mine(3)
    // Another process: nothing of the first is left but what the database and the chain hold.
    const next = {
      db: openDatabase({ url: database.url, applicationName: 'the next engine' }),
      wallet: createChainWallet({ chainId: 8996, rpcUrls: [chain.rpcUrl] }, KEY),
    }
    try {
      expect(await settleTransactions(next.wallet, PATIENT, { ...deps(), db: next.db })).toBe(1)
    } finally {
      next.wallet.close()
      await next.db.destroy()
    }
    expect(await one()).toMatchObject({ state: 'mined', hashes })
    expect((await approve('a')).state).toBe('mined')
    expect(await wallet.countSent()).toBe(before + 1)
  })

  it('attack: what reverts in its block after all is told as such, and not sent again', async () => {
    await mining(false)
    const before = await wallet.countSent()
    const target = '0x000000000000000000000000000000000000dEaD'
    const asked = { purpose: 'a', jobId: JOB_ID, call: () => ({ to: target, data: '0x12345678' }) }
    const send = () => sendOnce(asked, { maxGas: 100_000n }, { db, wallet })
    expect((await send()).state).toBe('sent')
    await actor.rpc('anvil_setCode', target, '0x60006000fd') // from now on it refuses every call
    await mining(true)
    await mine(3)
    expect(await look()).toBe(1)
    expect(await one()).toMatchObject({ state: 'reverted' })
    expect((await send()).state).toBe('reverted')
    expect(await wallet.countSent()).toBe(before + 1)
    await actor.rpc('anvil_setCode', target, '0x')
  })

  it('attack: what was sent by hand and taken back for good holds up nothing: its nonce is filled, and nothing happens twice', async () => {
    const heal = createGapHealer(wallet, PATIENT, deps())
    const { nonce } = await leaveGap()
    const kept = await listTransactions(db, JOB_ID)
    await heal() // seen for the first time: it may come back yet
    await mine()
    await look({ ...PATIENT, outbidAfterMs: -1 })
    await heal()
    expect(await wallet.countSent()).toBe(nonce)
    expect((await listTransactions(db, JOB_ID)).map(({ hashes }) => hashes)).toEqual(kept.map(({ hashes }) => hashes))

    await mine()
    await heal() // as many blocks as make others stay
    await mine()
    expect(await wallet.countSent()).toBe(nonce + 3)
    await mine(3)
    expect(await look()).toBe(2)
    expect((await listTransactions(db, JOB_ID)).map(({ state, hashes }) => ({ state, hashes }))).toEqual(
      kept.map(({ hashes }) => ({ state: 'mined', hashes })),
    )
    await heal()
    expect(await wallet.countSent()).toBe(nonce + 3)
  })

  it('behaviour: what was sent by hand and comes back is let be, and what waits goes on', async () => {
    const heal = createGapHealer(wallet, PATIENT, deps())
    const { nonce, byHand } = await leaveGap()
    await heal()
    await mine()
    await wallet.broadcast(byHand)
    await look()
    await mine(4)
    await heal()
    expect(await look()).toBe(2)
    expect(await wallet.countSent()).toBe(nonce + 3)
  })

  it('attack: a gap is filled with a better offer where nodes want one', async () => {
    const impatient = { ...PATIENT, confirmations: 0, outbidAfterMs: -1 }
    const { nonce } = await leaveGap()
    await mining(false)
    // Known to nodes, and too cheap to be mined: so no filling is taken that is not a better offer.
    await wallet.broadcast(
      (await wallet.sign({ to: ELSEWHERE, data: '0x' }, { nonce, gasLimit: 50_000n, feePercent: 120 })).raw,
    )
    const sent: string[] = []
    const counted = { ...wallet, broadcast: (raw: string) => wallet.broadcast(raw).then(() => void sent.push(raw)) }
    const heal = createGapHealer(counted, impatient, deps())
    for (let looks = 0; looks < 4; looks += 1) await heal()
    expect(sent.length).toBeGreaterThan(0)
    await mining(true)
    await look()
    await mine(3)
    expect(await look()).toBe(2)
    expect(await wallet.countSent()).toBe(nonce + 3)
  })

  it('attack: a settled transaction that the chain takes back deeper than it should is sent again, and holds up nothing', async () => {
    const heal = createGapHealer(wallet, PATIENT, deps())
    const snapshot = await actor.rpc('evm_snapshot')
    const nonce = await wallet.countSent()
    await approve('a')
    await mine(3)
    expect(await look()).toBe(1)
    await approve('b')
    await actor.rpc('evm_revert', snapshot)
    expect(await wallet.countSent()).toBe(nonce)
    await heal()
    await mine(2)
    await heal()
    await look()
    await mine(3)
    expect(await look()).toBe(2)
    expect(await wallet.countSent()).toBe(nonce + 2)
  })

  it('behaviour: however long one is not mined, its offer grows no further than ten times what is usual', async () => {
    await mining(false)
    await approve('a')
    for (let looks = 0; looks < 20; looks += 1) await look({ ...PATIENT, outbidAfterMs: -1 })
    const { hashes, raw } = await one()
    expect(hashes.length).toBeLessThan(13)
    const { maxFeePerGas } = Transaction.from(raw)
    const { maxFeePerGas: usual } = Transaction.from(
      (await wallet.sign({ to: ELSEWHERE, data: '0x' }, { nonce: 0, gasLimit: 21_000n, feePercent: 100 })).raw,
    )
    expect(maxFeePerGas! / usual!).toBeLessThanOrEqual(11n)
    await mining(true)
    await mine(2)
    expect(await look()).toBe(1)
  })

  it('error: what would revert, or cost more than allowed, is not signed at all', async () => {
    const data = '0xdeadbeef'
    const call = () => ({ to: chain.addresses.Ocean, data })
    const before = await wallet.countSent()
    expect(await sendOnce({ purpose: 'a', jobId: JOB_ID, call }, { maxGas: 100_000n }, { db, wallet })).toEqual({
      state: 'refused',
      why: 'reverts',
    })
    const dear = () => ({ to: chain.addresses.Ocean, data: ERC20.encodeFunctionData('approve', [SPENDER, 1n]) })
    expect(await sendOnce({ purpose: 'a', jobId: JOB_ID, call: dear }, { maxGas: 10n }, { db, wallet })).toEqual({
      state: 'refused',
      why: 'gas',
    })
    expect(await listTransactions(db, JOB_ID)).toEqual([])
    expect(await wallet.countSent()).toBe(before)
  })
})
