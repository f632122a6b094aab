import { readFile } from 'node:fs/promises'
import { addressSchema } from '@c2d/contracts'
import { ConfigError } from '@c2d/runtime'
import { z } from 'zod'

const networkSchema = z
  .object({
    chainId: z.number().int(),
    ERC721Factory: addressSchema,
    Ocean: addressSchema.optional(),
    startBlock: z.number().int().nonnegative().optional(),
  })
  .loose()

/** The contracts of one chain, as `ADDRESS_FILE` lists them (provider-http-api §9.1). */
export interface ChainContracts {
  factoryAddress: string
  /** The chain's OCEAN token, if it has one. */
  oceanToken: string | undefined
  startBlock: number
}

/**
 * Reads the contracts of a chain from an Ocean address file.
 * @throws ConfigError when the file cannot be read or does not list the chain
 */
export async function loadChainContracts(path: string, chainId: number): Promise<ChainContracts> {
  const networks = await readNetworks(path)
  for (const value of Object.values(networks)) {
    const parsed = networkSchema.safeParse(value)
    if (!parsed.success || parsed.data.chainId !== chainId) continue
    const { ERC721Factory, Ocean, startBlock } = parsed.data
    return { factoryAddress: ERC721Factory, oceanToken: Ocean, startBlock: startBlock ?? 0 }
  }
  throw new ConfigError([`ADDRESS_FILE: ${path} lists no network with chainId ${chainId} and an ERC721Factory`])
}

async function readNetworks(path: string): Promise<Record<string, unknown>> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (cause) {
    throw new ConfigError([`ADDRESS_FILE: ${path} cannot be read as JSON (${String(cause)})`])
  }
}
