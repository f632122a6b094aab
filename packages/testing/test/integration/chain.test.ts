import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startTestChain, type TestChain } from '@c2d/testing'
import { callRpc } from '../../src/rpc-call.ts'

const SOMEONE = '0xA78deb2Fa79463945C247991075E2a0e98Ba7A09'

async function balanceWei(chain: TestChain): Promise<bigint> {
  return BigInt(String(await callRpc(chain.rpcUrl, 'eth_getBalance', [SOMEONE, 'latest'])))
}

function setBalanceWei(chain: TestChain, amountWei: bigint): Promise<unknown> {
  return callRpc(chain.rpcUrl, 'anvil_setBalance', [SOMEONE, `0x${amountWei.toString(16)}`])
}

async function blockTime(chain: TestChain): Promise<number> {
  const block = await callRpc(chain.rpcUrl, 'eth_getBlockByNumber', ['latest', false])
  return Number((block as { timestamp: string }).timestamp)
}

describe('startTestChain', () => {
  let chain: TestChain
  let other: TestChain

  beforeAll(async () => {
    ;[chain, other] = await Promise.all([startTestChain(), startTestChain()])
  })
  afterAll(() => Promise.all([chain.stop(), other.stop()]))

  it('has the contracts deployed, and their addresses in a file', async () => {
    expect(await callRpc(chain.rpcUrl, 'eth_getCode', [chain.addresses.ERC721Factory, 'latest'])).toMatch(/^0x60/)
    expect(JSON.parse(await readFile(chain.addressFile, 'utf8'))).toEqual({ development: chain.addresses })
  })

  it('behaviour: what happens on one chain does not happen on another', async () => {
    const before = await balanceWei(other)
    await setBalanceWei(chain, before + 5n)
    expect(await balanceWei(chain)).toBe(before + 5n)
    expect(await balanceWei(other)).toBe(before)
  })

  it('behaviour: a snapshot brings the state back, once', async () => {
    await setBalanceWei(chain, 1n)
    const id = await chain.snapshot()
    await setBalanceWei(chain, 2n)
    await chain.revert(id)
    expect(await balanceWei(chain)).toBe(1n)
    await expect(chain.revert(id)).rejects.toThrow()
  })

  it('behaviour: time moves by what was asked', async () => {
    const before = await blockTime(chain)
    await chain.increaseTime(3_600)
    const passed = (await blockTime(chain)) - before
    expect(passed).toBeGreaterThanOrEqual(3_600)
    expect(passed).toBeLessThan(3_700)
  })
})
