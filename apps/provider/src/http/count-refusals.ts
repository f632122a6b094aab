import type { Metrics } from '@c2d/http-kit'
import { AppError } from '@c2d/runtime'
import type { ErrorRequestHandler, NextFunction, Request, Response } from 'express'

/**
 * Error middleware that counts refusals by error code and, for compute requests, by the rule that said no; it answers
 * nothing itself. Rules whose texts name assets count as `other`: labels must come from short lists.
 */
export function countRefusals(metrics: Pick<Metrics, 'counter'>): ErrorRequestHandler {
  const refusals = metrics.counter('refusals_total', 'Requests that were refused, by why.', ['code', 'rule'])
  return (thrown: unknown, _request: Request, _response: Response, next: NextFunction) => {
    const code = thrown instanceof AppError ? thrown.code : 'Internal'
    refusals.increment({ code, rule: thrown instanceof AppError ? ruleOf(thrown) : '' })
    next(thrown)
  }
}

function ruleOf({ code, legacy }: AppError): string {
  if (code !== 'ComputeRefused') return ''
  const [rule = ''] = typeof legacy === 'object' ? Object.values(legacy) : []
  return /^[a-z_]{1,60}$/.test(rule) ? rule : 'other'
}
