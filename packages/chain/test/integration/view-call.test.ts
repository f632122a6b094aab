import { createChainClient, type ChainClient } from '@c2d/chain'
import { DEV_ACCOUNTS } from '@c2d/dev-servers'
import { startTestChain, type TestChain } from '@c2d/testing'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'

const view = (name: string, inputs: { name: string; type: string }[], outputs: { name: string; type: string }[]) => ({
  type: 'function',
  name,
  inputs,
  outputs,
  stateMutability: 'view',
})
const OCEAN_FEE = view('swapOceanFee', [], [{ name: '', type: 'uint256' }])
const BALANCE = view('balanceOf', [{ name: 'account', type: 'address' }], [{ name: '', type: 'uint256' }])
const NAME = view('name', [], [{ name: '', type: 'string' }])
const TEMPLATE = view(
  'getNFTTemplate',
  [{ name: 'index', type: 'uint256' }],
  [
    {
      name: '',
      type: 'tuple',
      components: [
        { name: 'templateAddress', type: 'address' },
        { name: 'isActive', type: 'bool' },
      ],
    } as { name: string; type: string },
  ],
)

let chain: TestChain
let client: ChainClient

beforeAll(async () => {
  chain = await startTestChain()
  client = createChainClient({ chainId: chain.addresses.chainId, rpcUrl: chain.rpcUrl })
})
afterAll(async () => {
  client.close()
  await chain.stop()
})

describe('calling a view function', () => {
  it('gives one output as a plain value, whole numbers exactly', async () => {
    const { Router, Ocean } = chain.addresses
    expect(await client.callView({ address: Router, abi: OCEAN_FEE, args: [] })).toBe(10n ** 15n)
    expect(await client.callView({ address: Ocean, abi: NAME, args: [] })).toBe('Ocean Token')
  })

  it('gives a tuple as a list', async () => {
    const { ERC721Factory, ERC721Template } = chain.addresses
    const answer = await client.callView({ address: ERC721Factory, abi: TEMPLATE, args: [1] })
    expect(answer).toEqual([ERC721Template['1'], true])
  })

  it('behaviour: takes addresses in any casing', async () => {
    const { address } = DEV_ACCOUNTS.publisher
    const call = (account: string) =>
      client.callView({ address: chain.addresses.Ocean.toLowerCase(), abi: BALANCE, args: [account] })
    const balance = await call(address)
    expect(typeof balance).toBe('bigint')
    expect(await call(address.toLowerCase())).toBe(balance)
    expect(await call(`0x${address.slice(2).toUpperCase()}`)).toBe(balance)
  })

  it.each([
    ['an argument of another type', BALANCE, ['no address']],
    ['too few arguments', BALANCE, []],
    ['a function that writes', { ...BALANCE, stateMutability: 'nonpayable' }, [DEV_ACCOUNTS.publisher.address]],
    ['what is no ABI', { hello: 'world' }, []],
    ['a type that does not exist', view('x', [{ name: 'a', type: 'uint7' }], []), [1]],
  ])('error: %s is the caller’s fault', async (_what, abi, args) => {
    await expect(client.callView({ address: chain.addresses.Ocean, abi, args })).rejects.toMatchObject({
      code: 'InvalidRequest',
    })
  })

  // Decoding makes room for what the type promises before it looks at what came: these would end the process.
  const output = (type: string, components?: object[]) => view('name', [], [{ name: '', type, components } as never])
  it.each([
    ['a list that no memory holds', output('uint256[4294967295]')],
    ['lists of lists that none holds', output('uint256[5000][5000][5000]')],
    ['lists of nothing, which no answer exhausts', output('uint256[0][4294967295][]')],
    ['tuples of nothing', output('tuple[4294967295][]', [])],
    ['a list within a tuple', output('tuple', [{ name: 'a', type: 'uint8[4294967295]' }])],
    [
      'more inputs than any function has',
      view(
        'name',
        Array.from({ length: 50_000 }, () => ({ name: 'a', type: 'uint8' })),
        [],
      ),
    ],
    ['a list that is asked for', view('name', [{ name: 'a', type: 'uint8[4294967295]' }], [])],
  ])('error: %s is no file', async (_what, abi) => {
    await expect(client.callView({ address: chain.addresses.Ocean, abi, args: [[]] })).rejects.toMatchObject({
      code: 'InvalidRequest',
      detail: expect.stringContaining('too large'),
    })
  })

  it.each([
    ['there is no contract', DEV_ACCOUNTS.publisher.address],
    ['the contract has no such function', 'Router'],
  ])('error: where %s there is no file', async (_what, place) => {
    const address = place === 'Router' ? chain.addresses.Router : place
    await expect(client.callView({ address, abi: NAME, args: [] })).rejects.toMatchObject({ code: 'FilesUnavailable' })
  })
})
