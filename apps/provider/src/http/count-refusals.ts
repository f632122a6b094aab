import type { Metrics } from '@c2d/http-kit'
import { AppError } from '@c2d/runtime'
import type { ErrorRequestHandler, NextFunction, Request, Response } from 'express'
import { RuleRefusal } from '../domain/compute/refusal.ts'

/**
 * Error middleware that counts refusals by error code and, for compute requests, by the rule that said no; it answers
 * nothing itself.
 */
export function countRefusals(metrics: Pick<Metrics, 'counter'>): ErrorRequestHandler {
  const refusals = metrics.counter('refusals_total', 'Requests that were refused, by why.', ['code', 'rule'])
  return (thrown: unknown, _request: Request, _response: Response, next: NextFunction) => {
    const code = thrown instanceof AppError ? thrown.code : 'Internal'
    refusals.increment({ code, rule: thrown instanceof RuleRefusal ? thrown.rule : '' })
    next(thrown)
  }
}
