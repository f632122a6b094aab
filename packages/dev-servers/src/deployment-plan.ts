import { getCreateAddress, type Interface } from 'ethers'
import type { ContractAddresses } from './contract-addresses.ts'

/** A compiled contract: what deployment needs of an artifact. */
export interface ContractArtifact {
  readonly abi: Interface
  readonly bytecode: string
}

/** The contracts that are deployed, by artifact name, with the folder of each below the package's artifacts. */
export const CONTRACT_FOLDERS = {
  OceanToken: 'utils',
  MockERC20Decimals: 'utils/mock',
  OPFCommunityFeeCollector: 'communityFee',
  FactoryRouter: 'pools',
  FixedRateExchange: 'pools/fixedRate',
  ERC20Template: 'templates',
  ERC20TemplateEnterprise: 'templates',
  ERC721Template: 'templates',
  Dispenser: 'pools/dispenser',
  ERC721Factory: '.',
} as const

/** The name of a contract that is deployed. */
export type ContractName = keyof typeof CONTRACT_FOLDERS

/** The artifacts of all of them. */
export type ContractArtifacts = Readonly<Record<ContractName, ContractArtifact>>

/** One transaction of the deployer; its nonce is its place in the list. */
export interface DeploymentStep {
  /** What it does, for error messages. */
  readonly label: string
  /** Absent for a deployment. */
  readonly to?: string
  readonly data: string
}

/** All transactions in order, and the addresses that they lead to. */
export interface DeploymentPlan {
  readonly steps: readonly DeploymentStep[]
  readonly addresses: ContractAddresses
}

// Pools are history, but the router's constructor refuses the zero address.
const NO_POOL_TEMPLATE = '0x000000000000000000000000000000000000dEaD'
const OCEAN_SUPPLY_WEI = 10n ** 24n

/**
 * The deployment of Ocean's contracts by an account that has sent nothing yet: order and arguments of the reference
 * (local chain §3). Addresses follow from the order alone, so nothing has to be sent to know them.
 */
export function buildDeploymentPlan(artifacts: ContractArtifacts, owner: string, chainId: number): DeploymentPlan {
  const steps: DeploymentStep[] = []

  const deploy = (name: ContractName, ...args: readonly unknown[]): string => {
    const { abi, bytecode } = artifacts[name]
    const address = getCreateAddress({ from: owner, nonce: steps.length })
    steps.push({ label: `deploy ${name}`, data: bytecode + abi.encodeDeploy(args).slice(2) })
    return address
  }
  const call = (name: ContractName, to: string, method: string, ...args: readonly unknown[]): void => {
    steps.push({ label: `${name}.${method}`, to, data: artifacts[name].abi.encodeFunctionData(method, args) })
  }

  const ocean = deploy('OceanToken', owner)
  call('OceanToken', ocean, 'mint', owner, OCEAN_SUPPLY_WEI)
  const dai = deploy('MockERC20Decimals', 'DAI', 'DAI', 18)
  const usdc = deploy('MockERC20Decimals', 'USDC', 'USDC', 6)
  const feeCollector = deploy('OPFCommunityFeeCollector', owner, owner)
  const router = deploy('FactoryRouter', owner, ocean, NO_POOL_TEMPLATE, feeCollector, [])
  const fixedRate = deploy('FixedRateExchange', router)
  const datatoken = deploy('ERC20Template')
  const enterprise = deploy('ERC20TemplateEnterprise')
  const nft = deploy('ERC721Template')
  const dispenser = deploy('Dispenser', router)
  const factory = deploy('ERC721Factory', nft, datatoken, router)
  call('ERC721Factory', factory, 'addTokenTemplate', enterprise)
  call('FactoryRouter', router, 'addFactory', factory)
  call('FactoryRouter', router, 'addFixedRateContract', fixedRate)
  call('FactoryRouter', router, 'addDispenserContract', dispenser)

  return {
    steps,
    addresses: {
      chainId,
      Ocean: ocean,
      MockDAI: dai,
      MockUSDC: usdc,
      OPFCommunityFeeCollector: feeCollector,
      Router: router,
      FixedPrice: fixedRate,
      Dispenser: dispenser,
      ERC721Factory: factory,
      ERC20Template: { '1': datatoken, '2': enterprise },
      ERC721Template: { '1': nft },
      startBlock: 1,
    },
  }
}
