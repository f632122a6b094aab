import { describe, expect, it } from '@jest/globals'
import { getBytes, keccak256, sha256, toUtf8Bytes, verifyMessage } from 'ethers'
import type { DownloadGrant } from './download-token.ts'
import {
  computeJobMessage,
  computeResultMessage,
  computeStartMessage,
  containerChecksumText,
  decryptMessage,
  downloadGrantMessage,
  downloadMessage,
  oceanJsStopMessage,
  operatorMessage,
} from './signing.ts'

const PROVIDER = '0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1'
const CONSUMER = '0x5050A4F4b3f9338C3472dcC01A87C76A144b3c9c'
const DID = 'did:op:e16a777d1f146dba369cf98d212f34c17d9de516fcda5c9546076cf043ba6e37'
const OCEAN_JS_CONSUMER = '0xBE5449a6A97aD46c8558A3356267Ee5D2731ab5e'
const OCEAN_JS_DID = 'did:op:f1a4a17ed223bbfc4f50751cf891c910e6c9753d8b086d6f18c951e661d62679'
const OPERATOR_WALLET = '0xe17D2A07EFD5b112F4d675ea2d122ddb145d117B'
const OWNER = '0xC41808BBef371AD5CFc76466dDF9dEe228d2BdAA'
const JOB_ID = '726b0b6bdea440ff908425b7e1c52180'
const NONCE = '1795197316562391143'

const recovered = (message: string, signature: string) =>
  verifyMessage(getBytes(keccak256(toUtf8Bytes(message))), signature)

const vectors = [
  {
    name: 'a download with a fractional nonce',
    message: downloadMessage({ documentId: DID, nonce: '1700000000000.5' }),
    signature:
      '0x5e7afd6f46db7e94b0c2e046aa76f4050b1e04b8cc93083cffa7c2cb6fe0f5de2d80547c15be9e4564a0b23ef7abc147a5a0ca99003749a415048afc7161ed7101',
    signer: CONSUMER,
  },
  {
    name: 'a compute start with a nonce no double holds',
    message: computeStartMessage({ consumerAddress: CONSUMER, documentId: DID, nonce: '1700000000000000000' }),
    signature:
      '0xec74a39063d88c2fc6abde606359e544bd1261befbbab95dd187d21264de1b7e39bb64116c2263af69fbe00b8bd40a3d8ae588876f359d5dd7d9263a4b34105800',
    signer: CONSUMER,
  },
  {
    name: 'a provider calling its operator',
    message: operatorMessage({ owner: CONSUMER, jobId: 'job1', nonce: '1700000000000000000' }),
    signature:
      '0x8e210550b4d253983104d076bc51db840706cabadb6cf8da6f3cb86ec24018094e46f04c49c59db9c3cd41516d97e14c9c29e4c263a5d286f40470c0b0ccd3c001',
    signer: PROVIDER,
  },
  {
    name: 'an ocean.js download',
    message: downloadMessage({ documentId: OCEAN_JS_DID, nonce: '2' }),
    signature:
      '0x28aca9a97ed6a39a49ad60681d6488db48a1cd4c5f06f40ffbd69f52882423d175fe3c0858ae5fff44b07911e4291bc2d7cd64c6ddc6eeefe65c89d501af9cc91c',
    signer: OCEAN_JS_CONSUMER,
  },
  {
    name: 'an ocean.js compute start',
    message: computeStartMessage({ consumerAddress: OCEAN_JS_CONSUMER, documentId: OCEAN_JS_DID, nonce: '3' }),
    signature:
      '0xfb75ad32e3200a97b7395851f3d85fee39aa4f9beee6d5808d04efe9a7971d2f29617f086a960c69c9d76a4b4326f5bd7574e0b674b0d43d37debb9a3b6b40ad1b',
    signer: OCEAN_JS_CONSUMER,
  },
  {
    name: 'an operator call without a job',
    message: operatorMessage({ owner: OWNER, nonce: NONCE }),
    signature:
      '0x8cc2a85cd14163edb3f54be8614b8053cccfb4f8bf17d3d663b29a991cf4f2241d62a8d3301c8defcb11cd6f754e72905099b7d84ad4bde5f9146ae1de4163251c',
    signer: OPERATOR_WALLET,
  },
  {
    name: 'an operator call about a job',
    message: operatorMessage({ owner: OWNER, jobId: JOB_ID, nonce: NONCE }),
    signature:
      '0x78bedeb15b07c1231ccf1f4caa7fd404fe7dc142d5a029d63eb7562c0cc68e2831c8dd5cef52d6cf51f29e7514df2499faa30fb44a15fe387d1ee5b79d6efadb1c',
    signer: OPERATOR_WALLET,
  },
  {
    name: 'an ocean.js stop: owner and job, no nonce',
    message: oceanJsStopMessage({ consumerAddress: OWNER, jobId: JOB_ID }),
    signature:
      '0xffea2ac6cb0a0d2b20157e485c7995c3b7e88b61322f556e8fa870e1b3cc11ba4aa382371728c793f0fe6b4390eaa42408c206ab42810a5a2ddd3c8d4a13f53c1b',
    signer: OPERATOR_WALLET,
  },
  {
    name: 'a configure pod’s download',
    message: downloadMessage({ documentId: 'did:op:abc', nonce: '1700000000000' }),
    signature:
      '0xe309df9fd7a6ac6653244cbdd8b96a5951b55ca7642719e33848354ffb00e8bd62a4f2934c4bdbcc1b273d7fddc6ef3e8b4a5f0f7ec53dc3558c4760d5b614891c',
    signer: '0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf',
  },
]

const buildGrant = (change: Partial<DownloadGrant> = {}): DownloadGrant => ({
  jobId: JOB_ID,
  environment: 'ocean-compute',
  consumerAddress: CONSUMER,
  transferTxId: `0x${'ab'.repeat(32)}`,
  did: DID,
  serviceId: 's1',
  expiresAt: 1700000300,
  ...change,
})

describe('signed messages', () => {
  it.each(vectors)('behaviour: the text of $name is the one its signature fits', ({ message, signature, signer }) => {
    expect(recovered(message, signature)).toBe(signer)
  })

  it('behaviour: a decrypt names the transaction where there is one, else the NFT', () => {
    const parts = { dataNftAddress: '0xNFT', decrypterAddress: '0xWho', chainId: '8996', nonce: '7' }
    expect(decryptMessage(parts)).toBe('0xNFT0xWho89967')
    expect(decryptMessage({ ...parts, transactionId: '' })).toBe('0xNFT0xWho89967')
    expect(decryptMessage({ ...parts, transactionId: '0xTx' })).toBe('0xTx0xWho89967')
  })

  it('behaviour: what a job message lacks is empty', () => {
    const parts = { consumerAddress: '0xWho', nonce: '7' }
    expect(computeJobMessage(parts)).toBe('0xWho7')
    expect(computeJobMessage({ ...parts, jobId: 'job' })).toBe('0xWhojob7')
    expect(computeJobMessage({ ...parts, jobId: 'job', documentId: 'did' })).toBe('0xWhojobdid7')
  })

  it('behaviour: a result message keeps index 0', () => {
    expect(computeResultMessage({ consumerAddress: '0xWho', jobId: 'job', index: '0', nonce: '7' })).toBe('0xWhojob07')
  })

  it('behaviour: a grant reads the same whatever the casing of its addresses', () => {
    const shouted = buildGrant({
      consumerAddress: `0x${CONSUMER.slice(2).toUpperCase()}`,
      transferTxId: `0x${'AB'.repeat(32)}`,
    })
    expect(downloadGrantMessage(shouted)).toBe(downloadGrantMessage(buildGrant()))
  })

  it.each<[keyof DownloadGrant, Partial<DownloadGrant>]>([
    ['jobId', { jobId: '0'.repeat(32) }],
    ['environment', { environment: 'other' }],
    ['consumerAddress', { consumerAddress: PROVIDER }],
    ['transferTxId', { transferTxId: `0x${'cd'.repeat(32)}` }],
    ['did', { did: OCEAN_JS_DID }],
    ['serviceId', { serviceId: 's2' }],
    ['expiresAt', { expiresAt: 1700000301 }],
  ])('error: a grant with another %s is another message', (_, change) => {
    expect(downloadGrantMessage(buildGrant(change))).not.toBe(downloadGrantMessage(buildGrant()))
  })

  it('error: a service id cannot pretend to be the lines that follow it', () => {
    const forged = downloadGrantMessage(buildGrant({ serviceId: 's1"\nexpires 9999999999' }))
    expect(forged.split('\n')).toHaveLength(downloadGrantMessage(buildGrant()).split('\n').length)
  })

  it('behaviour: the container text has the checksum of the reference', () => {
    const text = containerChecksumText({
      entrypoint: 'node $ALGO',
      checksum: 'sha256:8221d20c1c16491d7d56b9657ea09082c0ee4a8ab1a6621fa720da58b09580e4',
    })
    expect(sha256(toUtf8Bytes(text))).toBe('0xa8f87b1d14fd8304fb7825da73790e5de47b218ff38e6d94b12fca75f0a8a48a')
  })
})
