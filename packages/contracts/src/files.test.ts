import { describe, expect, it } from '@jest/globals'
import { anyFileObjectSchema, describeFileProblem } from './files.ts'

const ADDRESS = '0x967da4048cD07aB37855c090aAF366e4ce1b9F48'
const CID = 'QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG'
const MALFORMED = 'malformed file object.'
const MISSING_KEYS = 'malformed service files, missing required keys.'

const url = (over: object = {}) => ({ type: 'url', url: 'https://origin.example/wages.csv', ...over })
const ipfs = (over: object = {}) => ({ type: 'ipfs', hash: CID, ...over })
const arweave = (over: object = {}) => ({ type: 'arweave', transactionId: 'a'.repeat(43), ...over })
const graphql = (over: object = {}) => ({ type: 'graphql', url: 'https://g.example', query: '{ a }', ...over })
const s3 = (over: object = {}) => ({ type: 's3', region: 'eu-west-1', bucket: 'data', objectKey: 'a/b.csv', ...over })
const abi = (over: object = {}) => ({
  type: 'function',
  name: 'decimals',
  inputs: [],
  stateMutability: 'view',
  ...over,
})
const contract = (over: object = {}) => ({
  type: 'smartcontract',
  address: ADDRESS,
  chainId: 8996,
  abi: abi(),
  ...over,
})

describe('describeFileProblem', () => {
  it.each([
    ['an address', url()],
    ['an address with method and headers', url({ method: 'Post', headers: { a: 'b' } })],
    ['an address without headers, said outright', url({ headers: null })],
    ['what is no address and no path either: it cannot be had', url({ url: 'hello' })],
    ['a CID', ipfs()],
    ['what is no CID: it cannot be had', ipfs({ hash: 'https://evil.example' })],
    ['a transaction', arweave({ headers: {} })],
    ['a query', graphql()],
    ['a function of a contract', contract()],
    [
      'a pure function with arguments',
      contract({ abi: abi({ stateMutability: 'pure', inputs: [{ type: 'uint256' }] }) }),
    ],
    ['a public object', s3()],
    ['a private object', s3({ accessKeyId: 'id', secretAccessKey: 's', endpoint: 'http://s3.example:9000' })],
    ['members of its own', url({ index: 0, note: 'x' })],
  ])('finds nothing wrong with %s', (_what, file) => {
    expect(describeFileProblem(file)).toBeNull()
  })

  it.each([
    ['an empty object', {}, 'cannot decrypt files for this service.'],
    ['null', null, MALFORMED],
    ['an array', [url()], MALFORMED],
    ['a text', 'https://origin.example', MALFORMED],
    ['no type', { url: 'https://origin.example' }, 'Unsupported type undefined'],
    ['another type', url({ type: 'ftp' }), 'Unsupported type ftp'],
    ['a type that is no text', url({ type: { toString: null } }), 'Unsupported type {"toString":null}'],

    ['url: no address', { type: 'url' }, MISSING_KEYS],
    ['url: an empty address', url({ url: '' }), MISSING_KEYS],
    ['url: an address that is no text', url({ url: 7 }), MALFORMED],
    ['url: another method', url({ method: 'DELETE' }), 'Unsafe method delete.'],
    ['url: a method that is no text', url({ method: 1 }), MALFORMED],
    ['url: headers in a text', url({ headers: '{"a":"b"}' }), MALFORMED],
    ['url: a header that is no text', url({ headers: { a: 1 } }), MALFORMED],
    [
      'url: a path of a disk',
      url({ url: './../wages.csv' }),
      'Invalid file name format. It was not possible to get the file name.',
    ],
    [
      'url: another scheme',
      url({ url: 'file:///etc/passwd' }),
      'Invalid file name format. It was not possible to get the file name.',
    ],
    ['url: method before name', url({ url: 'a/b', method: 'PUT' }), 'Unsafe method put.'],

    ['ipfs: no hash', { type: 'ipfs' }, MISSING_KEYS],
    ['ipfs: an empty hash', ipfs({ hash: '' }), MISSING_KEYS],
    ['ipfs: headers in a text', ipfs({ headers: 'x' }), MALFORMED],
    ['arweave: no transaction', { type: 'arweave' }, 'malformed service files, missing transactionId.'],
    ['arweave: headers in a text', arweave({ headers: 'x' }), MALFORMED],

    ['graphql: no endpoint', graphql({ url: undefined }), 'missing graphql endpoint'],
    ['graphql: no query', graphql({ query: '' }), 'missing graphql query'],
    ['graphql: neither', { type: 'graphql' }, 'missing graphql endpoint'],
    ['graphql: headers in a text', graphql({ headers: 'x' }), MALFORMED],

    ['contract: no address', contract({ address: '' }), 'malformed smartcontract type, missing contract address'],
    ['contract: what is no address', contract({ address: '0x12' }), MALFORMED],
    ['contract: a chain in a text', contract({ chainId: '8996' }), MALFORMED],
    ['contract: no chain', contract({ chainId: undefined }), MALFORMED],
    ['contract: no abi', contract({ abi: undefined }), 'invalid abi'],
    ['contract: a whole abi', contract({ abi: [abi()] }), MALFORMED],
    ['contract: no inputs', contract({ abi: abi({ inputs: undefined }) }), 'invalid abi'],
    ['contract: an input without type', contract({ abi: abi({ inputs: [{ name: 'x' }] }) }), 'invalid abi'],
    ['contract: an event', contract({ abi: abi({ type: 'event' }) }), 'invalid abi'],
    [
      'contract: a writing function',
      contract({ abi: abi({ stateMutability: 'payable' }) }),
      'only view or pure functions are allowed',
    ],
    [
      'contract: mutability not said',
      contract({ abi: abi({ stateMutability: undefined }) }),
      'only view or pure functions are allowed',
    ],
    ['contract: no name', contract({ abi: abi({ name: undefined }) }), 'missing name'],
    ['contract: an empty name', contract({ abi: abi({ name: '' }) }), 'missing name'],

    ['s3: no bucket', s3({ bucket: undefined }), MISSING_KEYS],
    ['s3: no key', s3({ objectKey: '' }), MISSING_KEYS],
    ['s3: no region', s3({ region: undefined }), MISSING_KEYS],
    ['s3: a region that leaves its host', s3({ region: 'x.evil.example/#' }), MALFORMED],
    ['s3: a bucket that leaves its host', s3({ bucket: 'a/../b' }), MALFORMED],
    ['s3: an endpoint that is no address', s3({ endpoint: 'file:///x' }), MALFORMED],
    [
      's3: half of the keys',
      s3({ accessKeyId: 'id' }),
      'malformed s3 type, accessKeyId and secretAccessKey belong together',
    ],
  ])('error: %s', (_what, file, want) => {
    expect(describeFileProblem(file)).toBe(want)
    expect(anyFileObjectSchema.safeParse(file).success).toBe(false)
  })
})

describe('file objects', () => {
  it('behaviour: keep what an ABI holds beside the members we read', () => {
    const outputs = [{ name: '', type: 'uint8' }]
    const inputs = [{ name: 'point', type: 'tuple', components: [{ name: 'x', type: 'uint8' }] }]
    expect(anyFileObjectSchema.parse(contract({ abi: abi({ outputs, inputs }) }))).toMatchObject({
      abi: { outputs, inputs },
    })
  })

  it('behaviour: an input without a name has an empty one', () => {
    expect(anyFileObjectSchema.parse(contract({ abi: abi({ inputs: [{ type: 'address' }] }) }))).toMatchObject({
      abi: { inputs: [{ name: '', type: 'address' }] },
    })
  })
})
