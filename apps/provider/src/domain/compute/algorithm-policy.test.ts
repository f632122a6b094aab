import type { ComputeOptions } from '@c2d/contracts'
import { describe, expect, it } from '@jest/globals'
import {
  refusePublishedAlgorithm,
  refuseRawAlgorithm,
  type PublishedAlgorithm,
  type TrustLists,
} from './algorithm-policy.ts'

const DID = `did:op:${'a1'.repeat(32)}`
const OTHER_DID = `did:op:${'b2'.repeat(32)}`
const OWNER = '0xe2DD09d719Da89e5a3D0F2549c7E24566e947260'
const STRANGER = `0x${'55'.repeat(20)}`
const FILES = 'f'.repeat(64)
const CONTAINER = 'c'.repeat(64)

const algorithm: PublishedAlgorithm = { did: DID, owner: OWNER, filesChecksum: FILES, containerChecksum: CONTAINER }

/** A service that trusts these algorithms and these publishers. */
function trusting(
  algorithms: ComputeOptions['publisherTrustedAlgorithms'],
  publishers: ComputeOptions['publisherTrustedAlgorithmPublishers'] = [],
): ComputeOptions {
  return { publisherTrustedAlgorithms: algorithms, publisherTrustedAlgorithmPublishers: publishers }
}

describe('a published algorithm', () => {
  it.each<[string, ComputeOptions, string | null]>([
    ['runs where it is named', trusting([{ did: DID }]), null],
    [
      'runs where it is named with its checksums, in any casing',
      trusting([{ did: DID, filesChecksum: FILES.toUpperCase(), containerSectionChecksum: CONTAINER.toUpperCase() }]),
      null,
    ],
    [
      'runs where one of its versions fits',
      trusting([
        { did: DID, filesChecksum: '0' },
        { did: DID, filesChecksum: FILES },
      ]),
      null,
    ],
    ['runs where its publisher is named, in any casing', trusting([], [OWNER.toUpperCase().replace('0X', '0x')]), null],
    ['runs where every algorithm is trusted', trusting(['*']), null],
    ['runs where every publisher is trusted', trusting(null, ['*']), null],
    ['does not run where nobody is named', trusting([], []), 'not_trusted_algo'],
    ['does not run where there are no lists at all', {}, 'not_trusted_algo'],
    ['does not run where another one is named', trusting([{ did: OTHER_DID }]), 'not_trusted_algo'],
    ['does not run where another publisher is named', trusting([], [STRANGER]), 'not_trusted_algo_publisher'],
    ['needs both lists, where both name somebody', trusting([{ did: DID }], [STRANGER]), 'not_trusted_algo_publisher'],
    [
      'needs the publisher even where every algorithm is trusted',
      trusting(['*'], [STRANGER]),
      'not_trusted_algo_publisher',
    ],
    [
      'does not run with other files',
      trusting([{ did: DID, filesChecksum: '0'.repeat(64) }]),
      'algorithm_file_checksum_mismatch',
    ],
    [
      'does not run in another container',
      trusting([{ did: DID, containerSectionChecksum: '0' }]),
      'algorithm_container_checksum_mismatch',
    ],
    ['does not run where an entry names nothing', trusting([{ did: '' }]), 'no_publisherTrustedAlgorithms'],
  ])('%s', (_title, options, refusal) => {
    expect(refusePublishedAlgorithm(options, algorithm, 'private')).toBe(refusal)
  })

  it.each<[string, TrustLists, string | null]>([
    ['nobody', 'private', 'not_trusted_algo'],
    ['everybody', 'legacy', null],
  ])('behaviour: empty lists mean %s when they are read as %s', (_who, trustLists, refusal) => {
    expect(refusePublishedAlgorithm(trusting([], null), algorithm, trustLists)).toBe(refusal)
  })

  it('behaviour: a list that names somebody is no different read the legacy way', () => {
    expect(refusePublishedAlgorithm(trusting([{ did: OTHER_DID }]), algorithm, 'legacy')).toBe('not_trusted_algo')
  })
})

describe('raw code', () => {
  it.each([
    [true, null],
    [false, 'no_raw_algo_allowed'],
    [null, 'no_raw_algo_allowed'],
    [undefined, 'no_raw_algo_allowed'],
  ])('with allowRawAlgorithm %s gives %s', (allowRawAlgorithm, refusal) => {
    expect(refuseRawAlgorithm(allowRawAlgorithm === undefined ? {} : { allowRawAlgorithm })).toBe(refusal)
  })
})
