import { createRequire } from 'node:module'
import { describe, expect, it } from '@jest/globals'
import { Interface, type InterfaceAbi } from 'ethers'
import { DATA_NFT_ABI, DATATOKEN_ABI, FACTORY_ABI } from './index.ts'

const require = createRequire(import.meta.url)
const contracts: { name: string; fragments: readonly string[]; artifact: unknown }[] = [
  {
    name: 'ERC20Template',
    fragments: DATATOKEN_ABI,
    artifact: require('@oceanprotocol/contracts/artifacts/contracts/templates/ERC20Template.sol/ERC20Template.json'),
  },
  {
    name: 'ERC20TemplateEnterprise',
    fragments: DATATOKEN_ABI,
    artifact: require('@oceanprotocol/contracts/artifacts/contracts/templates/ERC20TemplateEnterprise.sol/ERC20TemplateEnterprise.json'),
  },
  {
    name: 'ERC721Template',
    fragments: DATA_NFT_ABI,
    artifact: require('@oceanprotocol/contracts/artifacts/contracts/templates/ERC721Template.sol/ERC721Template.json'),
  },
  {
    name: 'ERC721Factory',
    fragments: FACTORY_ABI,
    artifact: require('@oceanprotocol/contracts/artifacts/contracts/ERC721Factory.sol/ERC721Factory.json'),
  },
]

const identifiers: [string, readonly string[], string][] = [
  ['OrderStarted', DATATOKEN_ABI, '0xe1c4fa794edfa8f619b8257a077398950357b9c6398528f94480307352f9afcc'],
  ['OrderReused', DATATOKEN_ABI, '0x526e31449ea46e2aecf9b480c8d7dfa191348ef74ffdf75b445a6ab726daa6ff'],
  ['ProviderFee', DATATOKEN_ABI, '0xf8ed11cdaaf10eca2b6c941fb802cb8682afe86cac1eb93f70d0780fa062c544'],
  ['startOrder', DATATOKEN_ABI, '0x79d9d7f3'],
  ['reuseOrder', DATATOKEN_ABI, '0x361fef49'],
  ['decimals', DATATOKEN_ABI, '0x313ce567'],
  ['MetadataCreated', DATA_NFT_ABI, '0x5463569dcc320958360074a9ab27e809e8a6942c394fb151d139b5f7b4ecb1bd'],
  ['MetadataUpdated', DATA_NFT_ABI, '0xe5c4cf86b1815151e6f453e1e133d4454ae3b0b07145db39f2e0178685deac84'],
  ['getMetaData', DATA_NFT_ABI, '0xd2786ba4'],
  ['isDeployed', DATA_NFT_ABI, '0x90184b02'],
  ['NFTCreated', FACTORY_ABI, '0x8125264ec1d174cb383ea0646ea1e6921ca3b0aba20370c8e18389e7c2d6a571'],
  ['createNftWithErc20', FACTORY_ABI, '0xf86b2bcf'],
  ['TokenCreated', FACTORY_ABI, '0x567699dbf7c5f63a51a42fd451f5e065bca0dfc723adf2cc498bbb7cfb780b90'],
  ['setMetaData', DATA_NFT_ABI, '0x1aa3adf9'],
  ['erc721List', FACTORY_ABI, '0x72f670f0'],
]

describe('abi', () => {
  it.each(identifiers)('behaviour: %s has the identifier of the references', (name, fragments, expected) => {
    const contract = new Interface(fragments)
    expect(contract.getEvent(name)?.topicHash ?? contract.getFunction(name)?.selector).toBe(expected)
  })

  it.each(contracts)('behaviour: every fragment is one of the deployed $name', ({ fragments, artifact }) => {
    const deployed = new Interface((artifact as { abi: InterfaceAbi }).abi)
    const ours = new Interface(fragments)
    ours.forEachEvent((event) => {
      const theirs = deployed.getEvent(event.topicHash)
      // Which arguments are indexed is no part of the topic, but decides how a log is read.
      expect(theirs?.inputs.map((input) => input.indexed === true)).toEqual(
        event.inputs.map((input) => input.indexed === true),
      )
    })
    ours.forEachFunction((fn) => {
      const theirs = deployed.getFunction(fn.selector)
      expect(theirs?.outputs.map((output) => output.type)).toEqual(fn.outputs.map((output) => output.type))
    })
    expect(ours.fragments.length).toBeGreaterThan(0)
  })
})
