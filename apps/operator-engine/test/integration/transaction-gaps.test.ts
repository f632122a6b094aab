import type { ChainWallet } from '@c2d/chain'
import { listTransactions } from '@c2d/operator-db'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { createGapHealer } from '../../src/transactions/heal-gap.ts'
import { settleTransactions } from '../../src/transactions/settle-transactions.ts'
import {
  createTransactionWorld,
  createWalletChain,
  ELSEWHERE,
  JOB_ID,
  PATIENT,
  SPENDER,
  type TransactionWorld,
  type WalletChain,
} from './support/transaction-world.ts'

// Nonces that the wallet's owner took or left free, and blocks that the chain takes back.

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

/** The owner of the wallet sends something by hand. */
const sendByHand = async (wallet: ChainWallet): Promise<string> => {
  const nonce = await wallet.countSent()
  const { raw } = await wallet.sign({ to: ELSEWHERE, data: '0x' }, { nonce, gasLimit: 50_000n, feePercent: 150 })
  await wallet.broadcast(raw)
  return raw
}
/** What our transactions wait behind is taken back by the chain, and known to no node any more. */
const leaveGap = async ({ wallet, actor, approve }: TransactionWorld): Promise<{ nonce: number; byHand: string }> => {
  const nonce = await wallet.countSent()
  const snapshot = await actor.rpc('evm_snapshot')
  const byHand = await sendByHand(wallet)
  await approve('a')
  await approve('b')
  await actor.rpc('evm_revert', snapshot)
  expect(await wallet.countSent()).toBe(nonce)
  return { nonce, byHand }
}

describe('transactions of the operator', () => {
  it('attack: a nonce that the owner of the wallet used elsewhere is given up, and the call still happens once', async () => {
    const { actor, wallet, mine, mining, approve, look, one, deps } = world
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
    const { actor, wallet, mine, approve, look, one } = world
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

  it('attack: what was sent by hand and taken back for good holds up nothing: its nonce is filled, and nothing happens twice', async () => {
    const { db, wallet, mine, look, deps } = world
    const heal = createGapHealer(wallet, PATIENT, deps())
    const { nonce } = await leaveGap(world)
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
    const { wallet, mine, look, deps } = world
    const heal = createGapHealer(wallet, PATIENT, deps())
    const { nonce, byHand } = await leaveGap(world)
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
    const { wallet, mine, mining, look, deps } = world
    const impatient = { ...PATIENT, confirmations: 0, outbidAfterMs: -1 }
    const { nonce } = await leaveGap(world)
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
    const { actor, wallet, mine, approve, look, deps } = world
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
})
