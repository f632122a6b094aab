import { listTransactions } from '@c2d/operator-db'
import { openDatabase } from '@c2d/postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { Transaction } from 'ethers'
import { sendOnce } from '../../src/transactions/send-once.ts'
import { settleTransactions } from '../../src/transactions/settle-transactions.ts'
import {
  createTransactionWorld,
  createWalletChain,
  ELSEWHERE,
  JOB_ID,
  PATIENT,
  type TransactionWorld,
  type WalletChain,
} from './support/transaction-world.ts'

// The ordinary life of a transaction: sent once, sent again, outbid, mined or refused.

let chain: WalletChain
let world: TransactionWorld

beforeAll(async () => {
  chain = await createWalletChain()
})
afterAll(() => chain.close())
beforeEach(async () => {
  world = await createTransactionWorld(chain)
})
afterEach(() => world.close())

describe('transactions of the operator', () => {
  it('behaviour: a purpose is one transaction, however often and by however many it is asked for', async () => {
    const { db, wallet, mine, approve, look } = world
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
    const { actor, mine, mining, approve, look, one } = world
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
    const { db, wallet, approval, look } = world
    const before = await wallet.countSent()
    const deaf = { ...wallet, broadcast: () => Promise.reject(new Error('killed')) }
    await sendOnce(
      {
        purpose: 'a',
        jobId: JOB_ID,
        call: () => approval(5n),
      },
      { maxGas: 100_000n },
      { db, wallet: deaf },
    )
    expect(await wallet.countSent()).toBe(before)
    await look()
    expect(await wallet.countSent()).toBe(before + 1)
  })

  it('attack: what is not mined for long is outbid, and one of the two happens', async () => {
    const { mine, mining, approve, look, one } = world
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

  it('attack: what is mined while no engine looks, and met by another one, is the one that was sent', async () => {
    const { databaseUrl, wallet, openWallet, mine, mining, approve, one, deps } = world
    await mining(false)
    const before = await wallet.countSent()
    await approve('a')
    const { hashes } = await one()
    await mining(true)
    await mine(3)
    // Another process: nothing of the first is left but what the database and the chain hold.
    const next = {
      db: openDatabase({ url: databaseUrl, applicationName: 'the next engine' }),
      wallet: openWallet(),
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
    const { db, actor, wallet, mine, mining, look, one } = world
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

  it('behaviour: however long one is not mined, its offer grows no further than ten times what is usual', async () => {
    const { wallet, mine, mining, approve, look, one } = world
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
    const { chain, db, wallet, approval } = world
    const data = '0xdeadbeef'
    const call = () => ({ to: chain.addresses.Ocean, data })
    const before = await wallet.countSent()
    expect(await sendOnce({ purpose: 'a', jobId: JOB_ID, call }, { maxGas: 100_000n }, { db, wallet })).toEqual({
      state: 'refused',
      why: 'reverts',
    })
    const dear = () => approval(1n)
    expect(await sendOnce({ purpose: 'a', jobId: JOB_ID, call: dear }, { maxGas: 10n }, { db, wallet })).toEqual({
      state: 'refused',
      why: 'gas',
    })
    expect(await listTransactions(db, JOB_ID)).toEqual([])
    expect(await wallet.countSent()).toBe(before)
  })
})
