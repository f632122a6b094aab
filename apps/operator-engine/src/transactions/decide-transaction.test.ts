import { describe, expect, it } from '@jest/globals'
import { decideTransaction, type SeenTransaction } from './decide-transaction.ts'

const LIMITS = { confirmations: 5, outbidAfterMs: 60_000 }
const NOW_MS = 1_000_000
const mined = { hash: '0xa', blockNumber: 100, succeeded: true }
const seen = (changes: Partial<SeenTransaction>): SeenTransaction => ({
  nonce: 7,
  signedAtMs: NOW_MS - 1_000,
  mined: null,
  latestBlock: 104,
  nextNonce: 7,
  settledCount: 7,
  ...changes,
})

describe('decideTransaction', () => {
  it.each([
    ['not mined yet is sent again', seen({}), { do: 'send' }],
    ['not mined for long is outbid', seen({ signedAtMs: NOW_MS - 60_001 }), { do: 'outbid' }],
    ['what waits for others to be mined first is not', seen({ signedAtMs: 0, nextNonce: 6 }), { do: 'send' }],
    ['mined but shallow is waited for', seen({ mined }), { do: 'wait' }],
    [
      'buried is settled',
      seen({ mined, latestBlock: 105 }),
      { do: 'settle', state: 'mined', hash: '0xa', blockNumber: 100 },
    ],
    [
      'buried and failed is settled as what it is',
      seen({ mined: { ...mined, succeeded: false }, latestBlock: 105 }),
      { do: 'settle', state: 'reverted', hash: '0xa', blockNumber: 100 },
    ],
    ['a nonce that went to something else for good is given up', seen({ settledCount: 8 }), { do: 'renew' }],
    ['a nonce that seems gone in a block that may go away is not', seen({ settledCount: 7 }), { do: 'send' }],
  ])('%s', (_what, transaction, decision) => {
    expect(decideTransaction(transaction, NOW_MS, LIMITS)).toEqual(decision)
  })
})
