import { describe, expect, it } from '@jest/globals'
import { messageDigest, recoverSigner, signMessage } from './index.ts'

const ORDER_OF_CURVE = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const CONSUMER_KEY = `0x${'02'.repeat(32)}`
const CONSUMER = '0x5050A4F4b3f9338C3472dcC01A87C76A144b3c9c'
const PROVIDER = '0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1'
const BARGE_CONSUMER = '0xBE5449a6A97aD46c8558A3356267Ee5D2731ab5e'
const BARGE_DID = 'did:op:f1a4a17ed223bbfc4f50751cf891c910e6c9753d8b086d6f18c951e661d62679'
const OPERATOR_WALLET = '0xe17D2A07EFD5b112F4d675ea2d122ddb145d117B'
const OWNER = '0xC41808BBef371AD5CFc76466dDF9dEe228d2BdAA'
const JOB_ID = '726b0b6bdea440ff908425b7e1c52180'
const DID = 'did:op:e16a777d1f146dba369cf98d212f34c17d9de516fcda5c9546076cf043ba6e37'
const DOWNLOAD = `${DID}1700000000000.5`
const DOWNLOAD_R = '5e7afd6f46db7e94b0c2e046aa76f4050b1e04b8cc93083cffa7c2cb6fe0f5de'
const DOWNLOAD_S = '2d80547c15be9e4564a0b23ef7abc147a5a0ca99003749a415048afc7161ed71'

interface Vector {
  name: string
  message: string
  digest?: string
  signature: string
  signer: string
}

const vectors: Vector[] = [
  {
    name: 'the download of the provider reference (v 01)',
    message: DOWNLOAD,
    digest: '5cb3c390038a8fe053d7d63842f54895a18343e7545be02222656065ebd648bc',
    signature: `0x${DOWNLOAD_R}${DOWNLOAD_S}01`,
    signer: CONSUMER,
  },
  {
    name: 'the compute start of the provider reference (v 00)',
    message: `${CONSUMER}${DID}1700000000000000000`,
    signature:
      '0xec74a39063d88c2fc6abde606359e544bd1261befbbab95dd187d21264de1b7e39bb64116c2263af69fbe00b8bd40a3d8ae588876f359d5dd7d9263a4b34105800',
    signer: CONSUMER,
  },
  {
    name: 'the provider to its operator (v 01)',
    message: `${CONSUMER}job11700000000000000000`,
    signature:
      '0x8e210550b4d253983104d076bc51db840706cabadb6cf8da6f3cb86ec24018094e46f04c49c59db9c3cd41516d97e14c9c29e4c263a5d286f40470c0b0ccd3c001',
    signer: PROVIDER,
  },
  {
    name: 'an ocean.js download (v 1c)',
    message: `${BARGE_DID}2`,
    digest: '21605a48467f722d41b516aacf7b937bfb753f87fa442a4d1f411188119451a7',
    signature:
      '0x28aca9a97ed6a39a49ad60681d6488db48a1cd4c5f06f40ffbd69f52882423d175fe3c0858ae5fff44b07911e4291bc2d7cd64c6ddc6eeefe65c89d501af9cc91c',
    signer: BARGE_CONSUMER,
  },
  {
    name: 'an ocean.js compute start (v 1b)',
    message: `${BARGE_CONSUMER}${BARGE_DID}3`,
    digest: 'f5c664409542690ae5afb01bd4464728e379744d43dd6ec4eab421dd50ea78be',
    signature:
      '0xfb75ad32e3200a97b7395851f3d85fee39aa4f9beee6d5808d04efe9a7971d2f29617f086a960c69c9d76a4b4326f5bd7574e0b674b0d43d37debb9a3b6b40ad1b',
    signer: BARGE_CONSUMER,
  },
  {
    name: 'an owner alone at operator-service',
    message: OWNER,
    digest: '44142a94ce0ba7dc5e5cd5c1afd033e1916c67610c98eabdf791a98b7733eca6',
    signature:
      '0x91510379df1c8d999331ea8d63fd375d5d56ccfcefd20506b249e8029fa8dc0c607cdc6f99eedaaffc6780d93b9d71afb541cb9cc102444d38714d1f023158701c',
    signer: OPERATOR_WALLET,
  },
  {
    name: 'owner and nonce at operator-service',
    message: `${OWNER}1795197316562391143`,
    digest: '39c334581f5bb4d3805a33309a9b72c09e4cbef81785375d513e3a2a1e0239b1',
    signature:
      '0x8cc2a85cd14163edb3f54be8614b8053cccfb4f8bf17d3d663b29a991cf4f2241d62a8d3301c8defcb11cd6f754e72905099b7d84ad4bde5f9146ae1de4163251c',
    signer: OPERATOR_WALLET,
  },
  {
    name: 'owner and job at operator-service',
    message: `${OWNER}${JOB_ID}`,
    digest: '480af93fe95d4d372054d9eaab851efcc4bf16f71ad803b59d86f9488618501b',
    signature:
      '0xffea2ac6cb0a0d2b20157e485c7995c3b7e88b61322f556e8fa870e1b3cc11ba4aa382371728c793f0fe6b4390eaa42408c206ab42810a5a2ddd3c8d4a13f53c1b',
    signer: OPERATOR_WALLET,
  },
  {
    name: 'owner, job and nonce at operator-service',
    message: `${OWNER}${JOB_ID}1795197316562391143`,
    digest: '79c107cf4e919d9561a66cb273f3e180410cc16b61ee37500e7b1909dbc45012',
    signature:
      '0x78bedeb15b07c1231ccf1f4caa7fd404fe7dc142d5a029d63eb7562c0cc68e2831c8dd5cef52d6cf51f29e7514df2499faa30fb44a15fe387d1ee5b79d6efadb1c',
    signer: OPERATOR_WALLET,
  },
  {
    name: 'the configure pod asking a provider',
    message: 'did:op:abc1700000000000',
    digest: 'eaf48d5bb47c1f1f254d8a7d2e5c47d0e8c1aa42ae48a874043d8ce2a9d6ad7d',
    signature:
      '0xe309df9fd7a6ac6653244cbdd8b96a5951b55ca7642719e33848354ffb00e8bd62a4f2934c4bdbcc1b273d7fddc6ef3e8b4a5f0f7ec53dc3558c4760d5b614891c',
    signer: '0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf',
  },
]

const withV = (v: string) => `0x${DOWNLOAD_R}${DOWNLOAD_S}${v}`

describe('message signatures', () => {
  it.each(vectors)('behaviour: the signer of $name is recovered', ({ message, digest, signature, signer }) => {
    expect(recoverSigner(message, signature)).toBe(signer)
    if (digest) expect(Buffer.from(messageDigest(message)).toString('hex')).toBe(digest)
  })

  it.each(['01', '1c', '1C'])('behaviour: v %s says the same parity', (v) => {
    expect(recoverSigner(DOWNLOAD, withV(v))).toBe(CONSUMER)
  })

  it('behaviour: a signature without 0x is accepted', () => {
    expect(recoverSigner(DOWNLOAD, withV('1c').slice(2))).toBe(CONSUMER)
  })

  it('behaviour: signing is deterministic and ends with v 1b or 1c', () => {
    expect(signMessage(DOWNLOAD, CONSUMER_KEY)).toBe(withV('1c'))
    expect(signMessage('did:op:abc1700000000000', `${'0'.repeat(63)}1`)).toBe(vectors[9]?.signature)
  })

  it('behaviour: another message has another signer', () => {
    const signer = recoverSigner(`${DOWNLOAD}1`, withV('1c'))
    expect(signer).not.toBeNull()
    expect(signer).not.toBe(CONSUMER)
  })

  it('error: the malleated twin with a high s is refused', () => {
    const highS = (ORDER_OF_CURVE - BigInt(`0x${DOWNLOAD_S}`)).toString(16).padStart(64, '0')
    expect(recoverSigner(DOWNLOAD, `0x${DOWNLOAD_R}${highS}1b`)).toBeNull()
    expect(recoverSigner(DOWNLOAD, `0x${DOWNLOAD_R}${highS}00`)).toBeNull()
  })

  it.each([
    ['no text', ''],
    ['no bytes', '0x'],
    ['v 02', withV('02')],
    ['v 1d', withV('1d')],
    ['v of EIP-155', withV('25')],
    ['64 bytes', withV('')],
    ['66 bytes', withV('1c00')],
    ['an odd number of digits', withV('1')],
    ['letters that are no digits', withV('1c').replace('5e', 'zz')],
    ['a blank before it', ` ${withV('1c')}`],
    ['a line end after it', `${withV('1c')}\n`],
    ['r of zero', `0x${'0'.repeat(64)}${DOWNLOAD_S}1c`],
    ['s of zero', `0x${DOWNLOAD_R}${'0'.repeat(64)}1c`],
    ['r above the curve', `0x${'f'.repeat(64)}${DOWNLOAD_S}1c`],
  ])('error: %s is nobody’s signature', (_, signature) => {
    expect(recoverSigner(DOWNLOAD, signature)).toBeNull()
  })

  it('error: a text that has no UTF-8 was signed by nobody', () => {
    expect(recoverSigner('\ud800', withV('1c'))).toBeNull()
  })

  it.each(['', '0x12', 'not a key', `0x${'00'.repeat(32)}`, `0x${'ff'.repeat(32)}`])(
    'error: %p is no private key, and is not repeated',
    (key) => {
      const sign = () => signMessage('text', key)
      expect(sign).toThrow(/private key must be/)
      if (key) expect(sign).not.toThrow(key)
    },
  )
})
