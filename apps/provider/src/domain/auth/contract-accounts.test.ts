import { describe, expect, it } from '@jest/globals'
import { AppError } from '@c2d/runtime'
import { createContractAccounts } from './contract-accounts.ts'
import type { ProviderChain, ProviderChains } from '../chains/provider-chain.ts'

const ADDRESS = '0x5050A4F4b3f9338C3472dcC01A87C76A144b3c9c'

/** What lives at the address on each chain: nothing, or a contract with this opinion. */
type Account = 'nothing' | 'unreachable' | boolean

function chainsWith(accounts: readonly Account[]) {
  const asked: string[] = []
  const chains = accounts.map((account, index) => {
    const chain: Pick<ProviderChain, 'chainId' | 'hasCode'> & { client: object } = {
      chainId: index,
      hasCode: () => {
        asked.push(`code ${index}`)
        if (account === 'unreachable') return Promise.reject(new AppError('UpstreamUnavailable'))
        return Promise.resolve(account !== 'nothing')
      },
      client: {
        isContractSignatureValid: () => {
          asked.push(`opinion ${index}`)
          return Promise.resolve(account === true)
        },
      },
    }
    return [index, chain as ProviderChain] as const
  })
  return { asked, chains: new Map(chains) satisfies ProviderChains }
}

const ask = (chains: ProviderChains): Promise<boolean> =>
  createContractAccounts({ timeoutMs: 100 }, { chains }).isSignedBy(ADDRESS, 'a message', '0x00')

describe('accounts that are contracts', () => {
  it.each<[string, Account[], boolean]>([
    ['the one contract says yes', [true], true],
    ['the one contract says no', [false], false],
    ['there is no contract', ['nothing', 'nothing'], false],
    ['the contract is on another chain', ['nothing', true], true],
    ['two contracts agree', [true, true], true],
    ['somebody else’s contract on another chain says yes', [true, false], false],
  ])('%s', async (_name, accounts, expected) => {
    expect(await ask(chainsWith(accounts).chains)).toBe(expected)
  })

  it('error: a chain that cannot be asked leaves it open, whatever the others say', async () => {
    await expect(ask(chainsWith([true, 'unreachable']).chains)).rejects.toThrow('UpstreamUnavailable')
  })

  it('behaviour: an account that is no contract is asked for once in a while, in any casing', async () => {
    const { chains, asked } = chainsWith(['nothing'])
    const accounts = createContractAccounts({ timeoutMs: 100 }, { chains })
    await accounts.isSignedBy(ADDRESS, 'a', '0x00')
    await accounts.isSignedBy(ADDRESS.toLowerCase(), 'b', '0x00')
    expect(asked).toEqual(['code 0'])
  })

  it('error: more questions than may be open at once', async () => {
    const { chains } = chainsWith([true])
    const accounts = createContractAccounts({ timeoutMs: 100 }, { chains })
    const answers = await Promise.allSettled(
      Array.from({ length: 20 }, () => accounts.isSignedBy(ADDRESS, 'a', '0x00')),
    )
    expect(answers.filter(({ status }) => status === 'rejected')).toHaveLength(4)
    expect(await accounts.isSignedBy(ADDRESS, 'a', '0x00')).toBe(true)
  })
})
