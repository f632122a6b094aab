import { AppError } from '@c2d/runtime'
import { AbiCoder, Interface, isAddress, Result, type FunctionFragment, type ParamType } from 'ethers'
import { checksumAddress } from './address.ts'
import type { ChainRpc } from './chain-rpc.ts'
import { callContract } from './rpc-endpoint.ts'

/** One call of a contract's view or pure function, as a file object of type `smartcontract` describes it. */
export interface ViewCall {
  /** The contract, in any casing. */
  address: string
  /** The function's own ABI entry. */
  abi: unknown
  /** In the order of the inputs; addresses in any casing. */
  args: readonly unknown[]
}

const GAS_LIMIT = '0x1c9c380' // thirty million: a publisher's function must not keep a node busy

/** Of a function's description: reading one takes long. */
const MAX_ABI_CHARS = 64 * 1024
/** Values that a function may take or give, where its type says how many. */
const MAX_VALUES = 10_000
/** Bytes of an answer. */
const MAX_ANSWER_BYTES = 1024 * 1024
// Parts of an answer may point at the same bytes: so often may they be read, of all answers in this process.
AbiCoder._setDefaultMaxInflation(16)

/**
 * Calls a view function and gives its result as plain values: whole numbers as bigint, several outputs as a list,
 * tuples as lists (provider-http-api §7.2).
 * @throws AppError `InvalidRequest` where ABI or arguments do not fit together, `FilesUnavailable` where the call gives
 *   nothing that the ABI describes, `UpstreamUnavailable` where the chain cannot be read
 */
export async function callView(rpc: ChainRpc, call: ViewCall): Promise<unknown> {
  const { contract, fragment } = parseAbi(call.abi)
  const data = encode(contract, fragment, call.args)
  const to = checksumAddress(call.address)
  const answer = await rpc.read((provider) => callContract(provider, { to, data, gas: GAS_LIMIT }))
  if (answer.length > 2 * MAX_ANSWER_BYTES + 2) {
    throw new AppError('FilesUnavailable', { detail: `The contract gives more than ${MAX_ANSWER_BYTES} bytes.` })
  }
  try {
    const outputs = contract.decodeFunctionResult(fragment, answer)
    return outputs.length === 1 ? plain(outputs[0]) : plain(outputs)
  } catch (cause) {
    throw new AppError('FilesUnavailable', { detail: 'The contract gives nothing for this call.', cause })
  }
}

function parseAbi(abi: unknown): { contract: Interface; fragment: FunctionFragment } {
  if (JSON.stringify([abi]).length > MAX_ABI_CHARS) throw tooLarge()
  try {
    const contract = new Interface([abi as string]) // ethers reads JSON fragments too, whatever its type says
    const fragment = contract.fragments.find((entry): entry is FunctionFragment => entry.type === 'function')
    if (fragment?.constant) return { contract, fragment: withinLimits(fragment) }
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown
    // said below: what ethers finds wrong is no news to a consumer
  }
  throw new AppError('InvalidRequest', { detail: 'only view or pure functions are allowed' })
}

/**
 * Anybody may name any type. Decoding makes room for all the values of a list of fixed length before it looks at the
 * first, so a list of four thousand millions would end the process; one of nothing could be read for ever.
 */
function withinLimits(fragment: FunctionFragment): FunctionFragment {
  const values = [...fragment.inputs, ...fragment.outputs].reduce((sum, one) => sum + countValues(one), 0)
  if (values <= MAX_VALUES) return fragment
  throw tooLarge()
}

function tooLarge(): AppError {
  return new AppError('InvalidRequest', { detail: 'The types of the function are too large to be read.' })
}

/** How many values a type holds at most for each of the lists in it that have any length; what holds none counts as all. */
function countValues(type: ParamType): number {
  if (type.arrayChildren) {
    const length = type.arrayLength ?? 0
    return (length === -1 ? 1 : length || Infinity) * countValues(type.arrayChildren)
  }
  if (!type.components) return 1
  return type.components.reduce((sum, one) => sum + countValues(one), 0) || Infinity
}

function encode(contract: Interface, fragment: FunctionFragment, args: readonly unknown[]): string {
  try {
    return contract.encodeFunctionData(fragment, args.map(withChecksum))
  } catch (cause) {
    const names = fragment.inputs.map(({ name, type }) => `${name || '(unnamed)'}: ${type}`).join(', ')
    throw new AppError('InvalidRequest', {
      detail: `The parameters do not fit the function; it takes ${names}.`,
      cause,
    })
  }
}

/** ethers refuses addresses whose casing is neither plain nor a right checksum; consumers send them as they come. */
function withChecksum(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withChecksum)
  return typeof value === 'string' && /^0x[0-9a-f]{40}$/i.test(value) && isAddress(value.toLowerCase())
    ? checksumAddress(value)
    : value
}

function plain(value: unknown): unknown {
  return value instanceof Result ? value.toArray().map(plain) : value
}
