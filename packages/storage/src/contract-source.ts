import { Readable } from 'node:stream'
import type { ContractFile } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import { stringify } from 'lossless-json'
import type { CallContract, OpenedSource, SourceOptions } from './source.ts'
import { parseUserdata, type Userdata } from './userdata.ts'

/**
 * The result of one call of a contract, as JSON text; integers of any size keep their digits. `userdata` gives the
 * arguments by their names, those without a name by their position (provider-http-api §7.2). There are no ranges of it.
 * @throws AppError `InvalidRequest` naming the arguments that are missing, `FilesUnavailable` when the call fails,
 *   `UpstreamUnavailable` where contracts cannot be called
 */
export async function openContractSource(file: ContractFile, options: SourceOptions): Promise<OpenedSource> {
  if (!options.callContract) {
    throw new AppError('UpstreamUnavailable', { detail: 'Contracts cannot be called here.' })
  }
  const args = argumentsOf(file, parseUserdata(options.userdata))
  const result = await resultOf(file, args, options.callContract)
  const content = Buffer.from(stringify(result ?? null) ?? 'null')
  return {
    status: 200,
    contentType: 'application/json',
    contentLength: String(content.length),
    contentRange: null,
    etag: null,
    lastModified: null,
    filename: 'file',
    body: Readable.from([content]),
  }
}

function argumentsOf(file: ContractFile, userdata: Userdata | null): unknown[] {
  const names = file.abi.inputs.map(({ name }, position) => name || String(position))
  if (names.length > 0 && !userdata) throw new AppError('InvalidRequest', { detail: 'Missing parameters' })
  const given = new Map(Object.entries(userdata ?? {}))
  // 0, '' and false are values; the reference takes them for missing.
  const missing = names.filter((name) => given.get(name) == null)
  if (missing.length > 0) throw new AppError('InvalidRequest', { detail: `Missing userparams: ${missing.join(', ')}` })
  return names.map((name) => given.get(name))
}

async function resultOf(file: ContractFile, args: unknown[], callContract: CallContract): Promise<unknown> {
  try {
    return await callContract(file.chainId, file.address, file.abi, args)
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw new AppError('FilesUnavailable', { detail: 'The call of the contract failed.', cause })
  }
}
