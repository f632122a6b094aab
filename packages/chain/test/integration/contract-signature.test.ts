import { createChainClient, messageDigest, type ChainClient } from '@c2d/chain'
import { createOceanActor, type OceanActor, startTestChain, type TestChain } from '@c2d/testing'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { hashMessage } from 'ethers'
import { startFakeEndpoint } from './fake-endpoint.ts'

const MESSAGE = 'did:op:abc1700000000000'
const SIGNED = `0x${'5a'.repeat(32)}`
const IDENTITY_PRECOMPILE = `0x${'4'.padStart(40, '0')}`

/** A wallet that knows one hash under one signature of 32 bytes (ERC-1271). */
const walletOf = (hash: string, signature: string): string =>
  [
    `7f${hash.slice(2)} 6004 35 14`, // is the hash the one?
    `7f${signature.slice(2)} 6064 35 14`, // is the signature?
    '16 63 1626ba7e 60e0 1b 02', // then the magic value, else zero
    '6000 52 6020 6000 f3',
  ].join(' ')
const RETURNS_TRUE = '6001 6000 52 6020 6000 f3'
const RETURNS_NOTHING = '6000 6000 f3'
const RETURNS_ITS_INPUT = '36 6000 6000 37 36 6000 f3'
const REVERTS = '6000 6000 fd'
const NEVER_ENDS = '5b 6000 56'

let chain: TestChain
let actor: OceanActor
let client: ChainClient
let wallet: string

beforeAll(async () => {
  chain = await startTestChain()
  actor = createOceanActor(chain.rpcUrl, chain.addresses.ERC721Factory, 0)
  client = createChainClient({ chainId: chain.addresses.chainId, rpcUrl: chain.rpcUrl })
  wallet = await actor.deploy(walletOf(hashMessage(messageDigest(MESSAGE)), SIGNED))
})
afterAll(async () => {
  client.close()
  actor.close()
  await chain.stop()
})

const ask = (change: { address?: string; message?: string; signature?: string } = {}) =>
  client.isContractSignatureValid({ address: wallet, message: MESSAGE, signature: SIGNED, ...change })

describe('signatures of contracts', () => {
  it('behaviour: a wallet knows what it signed, by message or by digest', async () => {
    await expect(ask()).resolves.toBe(true)
    await expect(ask({ address: wallet.toLowerCase(), signature: SIGNED.slice(2) })).resolves.toBe(true)
    const byDigest = { address: wallet, digest: messageDigest(MESSAGE), signature: SIGNED }
    await expect(client.isContractSignatureValid(byDigest)).resolves.toBe(true)
  })

  it('error: another message, another signature, or none, is not its own', async () => {
    await expect(ask({ message: `${MESSAGE}1` })).resolves.toBe(false)
    await expect(ask({ signature: `0x${'5b'.repeat(32)}` })).resolves.toBe(false)
    for (const signature of ['', '0x', '0x5', 'hello', `0x${'00'.repeat(10_000)}`]) {
      await expect(ask({ signature })).resolves.toBe(false)
    }
    await expect(ask({ message: '\ud800' })).resolves.toBe(false)
  })

  it.each([
    ['says something else', RETURNS_TRUE],
    ['says nothing', RETURNS_NOTHING],
    ['repeats what it is asked', RETURNS_ITS_INPUT],
    ['reverts', REVERTS],
    ['never ends', NEVER_ENDS],
  ])('error: a contract that %s signed nothing', async (_, code) => {
    await expect(ask({ address: await actor.deploy(code) })).resolves.toBe(false)
  })

  it.each([
    ['an account without code', '0x000000000000000000000000000000000000bEEF'],
    ['the precompiled contract that repeats what it is asked', IDENTITY_PRECOMPILE],
  ])('error: %s signed nothing', async (_, address) => {
    await expect(ask({ address })).resolves.toBe(false)
  })

  it('error: an answer that comes too late is none', async () => {
    const silent = await startFakeEndpoint(() => null)
    const waiting = createChainClient({ chainId: 8996, rpcUrl: silent.url })
    const claim = { address: wallet, message: MESSAGE, signature: SIGNED, timeoutMs: 100 }
    await expect(waiting.isContractSignatureValid(claim)).resolves.toBe(false)
    waiting.close()
    silent.close()
  })

  it('error: what is no address, or no digest, is the caller’s mistake', async () => {
    await expect(ask({ address: 'wallet.eth' })).rejects.toMatchObject({ code: 'InvalidRequest' })
    const claim = { address: wallet, digest: new Uint8Array(31), signature: SIGNED }
    await expect(client.isContractSignatureValid(claim)).rejects.toMatchObject({ code: 'InvalidRequest' })
  })
})
