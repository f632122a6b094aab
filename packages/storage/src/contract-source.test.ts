import { json, text } from 'node:stream/consumers'
import { describe, expect, it } from '@jest/globals'
import type { ContractFile } from '@c2d/contracts'
import { openSource } from './open-source.ts'
import { probeSource } from './probe-source.ts'
import type { CallContract } from './source.ts'

const ADDRESS = '0x967da4048cD07aB37855c090aAF366e4ce1b9F48'

function contractFile(inputs: { name: string; type: string }[] = []): ContractFile {
  return {
    type: 'smartcontract',
    address: ADDRESS,
    chainId: 8996,
    abi: { type: 'function', name: 'balanceOf', inputs, stateMutability: 'view' },
  }
}

const fetch = () => Promise.reject(new Error('a contract is no address'))
const returning = (result: unknown) => ({ fetch, callContract: () => Promise.resolve(result) })

describe('smartcontract source', () => {
  it.each([
    ['an integer of any size', 2n ** 255n, (2n ** 255n).toString()],
    ['a text', 'wages', '"wages"'],
    ['false', false, 'false'],
    ['nothing', undefined, 'null'],
    ['several results', [1n, ['0xff', { a: 2n }]], '[1,["0xff",{"a":2}]]'],
  ])('gives %s as JSON text', async (_what, result, want) => {
    const source = await openSource(contractFile(), returning(result))
    expect(source).toMatchObject({ status: 200, contentType: 'application/json', contentLength: String(want.length) })
    expect(await text(source.body)).toBe(want)
  })

  it('hands the arguments over in the order of the ABI, by name, or by position where they have none', async () => {
    const echo: CallContract = (chainId, address, abi, args) =>
      Promise.resolve({ chainId, address, name: abi.name, args })
    const file = contractFile([
      { name: 'owner', type: 'address' },
      { name: '', type: 'uint256' },
      { name: 'strict', type: 'bool' },
    ])
    const userdata = '{"strict":false,"1":0,"owner":"0xabc","more":"x"}'
    const source = await openSource(file, { fetch, callContract: echo, userdata })
    expect(await json(source.body)).toEqual({
      chainId: 8996,
      address: ADDRESS,
      name: 'balanceOf',
      args: ['0xabc', 0, false],
    })
  })

  it.each([
    ['no parameters at all', undefined, 'Missing parameters'],
    ['some parameters', { amount: 1, spender: null }, 'Missing userparams: owner, spender'],
    ['undecodable ones', '{"owner":', 'The userdata must be a JSON object.'],
    ['ones of Object itself', { constructor: 1 }, 'Missing userparams: owner, spender'],
  ])('error: %s name what is missing', async (_what, userdata, detail) => {
    const file = contractFile([
      { name: 'owner', type: 'address' },
      { name: 'spender', type: 'address' },
    ])
    const opened = openSource(file, { ...returning('x'), userdata })
    await expect(opened).rejects.toMatchObject({ code: 'InvalidRequest', detail })
  })

  it('error: a call that fails is a file that cannot be had, in words that name no node', async () => {
    const callContract = () => Promise.reject(new Error('https://node.example/KEY reverted'))
    await expect(openSource(contractFile(), { fetch, callContract })).rejects.toMatchObject({
      code: 'FilesUnavailable',
      detail: 'The call of the contract failed.',
    })
    expect(await probeSource(contractFile(), 1, { fetch, callContract, checksum: true, maxChecksumBytes: 1 })).toEqual({
      index: 1,
      type: 'smartcontract',
      valid: false,
    })
  })

  it('error: says so where contracts cannot be called', async () => {
    await expect(openSource(contractFile(), { fetch })).rejects.toMatchObject({ code: 'UpstreamUnavailable' })
  })

  it('behaviour: a probe gives the length as a number, no name, and hashes whatever the limit', async () => {
    const options = { ...returning('wages'), checksum: true, maxChecksumBytes: 1 }
    expect(await probeSource(contractFile(), 0, options)).toEqual({
      index: 0,
      type: 'smartcontract',
      valid: true,
      contentType: 'application/json',
      contentLength: 7,
      checksum: 'b5f9de7e38aa5cd8e045caa4ad0edf07bc126ba923e30dbf39032773dd422781',
      checksumType: 'sha256',
    })
  })
})
