import { AppError } from '@c2d/runtime'
import { fillParameters } from '../assets/consumer-parameters.ts'
import type { AssetService } from '../assets/resolve-asset.ts'
import { networkText } from '../chains/network-name.ts'

/**
 * The parameters a file of a service is asked for with, as compute services hold theirs (`fillParameters`).
 * @param sent what the consumer sent
 * @throws AppError `InvalidRequest` naming the parameter that does not fit
 */
export function fillForAccess({ asset, service }: AssetService, sent: unknown): unknown {
  const filled = fillParameters(service.consumerParameters, sent)
  if ('values' in filled) return filled.values
  throw new AppError('InvalidRequest', { detail: networkText(asset.chain.network, filled.problem) })
}

/**
 * The same before anything is ordered. Marketplaces ask for the price before their user has filled in the form: what is
 * not said yet may still be said with the download; what is said must fit.
 */
export function fillForQuote(target: AssetService, sent: unknown): unknown {
  if (sent !== undefined && sent !== null && sent !== '') return fillForAccess(target, sent)
  const optional = target.service.consumerParameters?.map((parameter) => ({ ...parameter, required: false }))
  const filled = fillParameters(optional, sent)
  return 'values' in filled ? filled.values : sent
}
