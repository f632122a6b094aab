import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Interface, JsonRpcProvider, type InterfaceAbi, type TransactionReceipt } from 'ethers'
import { DEV_CHAIN_ID } from './chain.ts'
import type { ContractAddresses } from './contract-addresses.ts'
import {
  buildDeploymentPlan,
  CONTRACT_FOLDERS,
  type ContractArtifact,
  type ContractArtifacts,
  type ContractName,
} from './deployment-plan.ts'
import { DEV_ACCOUNTS, devWallet } from './dev-accounts.ts'

// The largest of the deployments takes 5.3 M (reference: local chain §3); a block holds 30 M.
const GAS_LIMIT = 7_000_000n
const FEES_WEI = { maxFeePerGas: 100_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n }
const RECEIPT_TIMEOUT_MS = 30_000

/**
 * Deploys Ocean's contracts on a development chain, as account 0 and with the addresses of the reference (local chain
 * §3). On a chain that has them already it sends nothing and gives the same addresses. Throws where account 0 did
 * something else before, and where a transaction fails.
 */
export async function deployContracts(rpcUrl: string): Promise<ContractAddresses> {
  const provider = new JsonRpcProvider(rpcUrl, DEV_CHAIN_ID, { staticNetwork: true, cacheTimeout: -1 })
  try {
    const { steps, addresses } = buildDeploymentPlan(
      await loadArtifacts(),
      DEV_ACCOUNTS.publisher.address,
      DEV_CHAIN_ID,
    )
    const sent = await provider.getTransactionCount(DEV_ACCOUNTS.publisher.address)
    if (sent > 0) {
      const isDeployed = sent >= steps.length && (await provider.getCode(addresses.ERC721Factory)) !== '0x'
      if (isDeployed) return addresses
      throw new Error(`account 0 has sent ${sent} transactions on this chain, but did not deploy the contracts`)
    }

    const wallet = devWallet(DEV_ACCOUNTS.publisher.index)
    // Explicit nonces and gas: nothing has to be asked or awaited between one transaction and the next.
    const pending = steps.map(async ({ label, ...call }, nonce) => {
      const transaction = { ...call, ...FEES_WEI, type: 2, chainId: DEV_CHAIN_ID, nonce, gasLimit: GAS_LIMIT }
      const raw = await wallet.signTransaction(transaction)
      const hash: unknown = await provider.send('eth_sendRawTransaction', [raw])
      return { label, hash: String(hash) }
    })
    for (const { label, hash } of await Promise.all(pending)) {
      const receipt = await waitForReceipt(provider, hash)
      if (receipt.status !== 1) throw new Error(`deployment failed: ${label}`)
    }
    return addresses
  } finally {
    provider.destroy()
  }
}

async function waitForReceipt(provider: JsonRpcProvider, hash: string): Promise<TransactionReceipt> {
  const deadline = Date.now() + RECEIPT_TIMEOUT_MS
  while (Date.now() < deadline) {
    const receipt = await provider.getTransactionReceipt(hash)
    if (receipt) return receipt
    // What did not fit into the block that is mined now waits for another one, which nobody else may cause.
    await sleep(50)
    await provider.send('evm_mine', [])
  }
  throw new Error(`no receipt for transaction ${hash} within ${RECEIPT_TIMEOUT_MS} ms`)
}

async function loadArtifacts(): Promise<ContractArtifacts> {
  const packageFolder = dirname(createRequire(import.meta.url).resolve('@oceanprotocol/contracts/package.json'))
  const load = async (name: ContractName): Promise<ContractArtifact> => {
    const path = join(packageFolder, 'artifacts', 'contracts', CONTRACT_FOLDERS[name], `${name}.sol`, `${name}.json`)
    return parseArtifact(JSON.parse(await readFile(path, 'utf8')), path)
  }
  const names = Object.keys(CONTRACT_FOLDERS) as ContractName[]
  const entries = await Promise.all(names.map(async (name) => [name, await load(name)] as const))
  return Object.fromEntries(entries) as Record<ContractName, ContractArtifact>
}

function parseArtifact(value: unknown, path: string): ContractArtifact {
  if (typeof value === 'object' && value !== null && 'abi' in value && 'bytecode' in value) {
    const { abi, bytecode } = value
    if (Array.isArray(abi) && typeof bytecode === 'string') return { abi: new Interface(abi as InterfaceAbi), bytecode }
  }
  throw new Error(`${path} is not a contract artifact`)
}
