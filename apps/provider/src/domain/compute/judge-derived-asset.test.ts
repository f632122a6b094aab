import { describe, expect, it } from '@jest/globals'
import { openDocket } from './docket.ts'
import { judgeDerivedAsset, type DerivedAssetCase } from './judge-derived-asset.ts'

const CONSUMER = `0x${'c0'.repeat(20)}`
const OTHER = `0x${'07'.repeat(20)}`

type Dataset = NonNullable<DerivedAssetCase['datasets'][number]>
const buildDataset = (allowDerivedAssets?: boolean): Dataset =>
  ({
    host: { kind: 'us', canRead: true },
    target: { service: { serviceEndpoint: 'https://provider.example', compute: { allowDerivedAssets } } },
  }) as unknown as Dataset

function judge(output: unknown, changes: Partial<DerivedAssetCase> = {}) {
  const docket = openDocket()
  const section = docket.section('output', ['output-asset'])
  const asset = judgeDerivedAsset(
    {
      output,
      consumerAddress: CONSUMER,
      datasets: [buildDataset()],
      chainId: 8996,
      terms: { derivedAssets: { chains: [8996], freeBytes: 1_000 } },
      ...changes,
    },
    section,
  )
  const [verdict] = docket.verdicts()
  return { asset, outcome: verdict?.outcome, sentence: verdict?.sentence }
}

describe('judgeDerivedAsset', () => {
  it.each([
    { publishOutput: true, publishAlgorithmLog: 1, whitelist: [OTHER], metadata: { main: { name: 'Old' } } },
    JSON.stringify({ publishOutput: '1', publishAlgorithmLog: 'true', whitelist: [OTHER], metadata: { name: 'Old' } }),
  ])('behaviour: the forms that clients send are understood: %j', (output) => {
    const { asset, outcome } = judge(output)
    expect(outcome).toBe('allow')
    expect(asset).toEqual({
      outputs: true,
      log: true,
      owner: CONSUMER,
      whitelist: [OTHER],
      metadata: { name: 'Old' },
      serviceEndpoint: 'https://provider.example',
    })
  })

  it.each([undefined, null, {}, '', '0x00', { publishOutput: false, publishAlgorithmLog: 0 }, { owner: OTHER }])(
    'behaviour: %j asks for nothing',
    (output) => {
      expect(judge(output)).toMatchObject({ asset: null, outcome: 'allow' })
    },
  )

  it('behaviour: an environment that makes no assets leaves the wish alone', () => {
    const { asset, outcome } = judge({ publishOutput: true, owner: OTHER }, { terms: { derivedAssets: null } })
    expect([asset, outcome]).toEqual([null, 'skipped'])
  })

  const wish = { publishOutput: true }
  it.each<[string, unknown, Partial<DerivedAssetCase>, RegExp]>([
    ['somebody else’s address as owner', { ...wish, owner: OTHER }, {}, /belongs to the consumer/],
    ['a dataset that forbids it', wish, { datasets: [buildDataset(), buildDataset(false)] }, /forbids/],
    ['a wallet that cannot pay', wish, { terms: { derivedAssets: { chains: [], freeBytes: 9 } } }, /cannot pay/],
    ['a full storage', wish, { terms: { derivedAssets: { chains: [8996], freeBytes: 0 } } }, /full/],
    ['a flag that is none', { publishOutput: 'perhaps' }, {}, /not valid: publishOutput/],
    ['a whitelist of no addresses', { ...wish, whitelist: ['me'] }, {}, /not valid: whitelist/],
    ['metadata of another shape', { ...wish, metadata: { name: 7 } }, {}, /not valid: metadata.name/],
  ])('error: %s is refused', (_what, output, changes, words) => {
    const { asset, outcome, sentence } = judge(output, changes)
    expect([asset, outcome]).toEqual([null, 'deny'])
    expect(sentence).toMatch(words)
  })
})
