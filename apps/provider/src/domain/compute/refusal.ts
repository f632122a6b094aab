import type { ErrorCode } from '@c2d/contracts'
import { AppError, type AppErrorOptions } from '@c2d/runtime'
import type { RuleId } from './compute-rules.ts'

/** A compute request that one rule refuses. */
export class RuleRefusal extends AppError {
  /** Which one: from the list of rules, and so from a short one. */
  readonly rule: RuleId

  constructor(rule: RuleId, code: ErrorCode, options: AppErrorOptions) {
    super(code, options)
    this.rule = rule
  }
}

/**
 * The refusal as the reference answers it: 400 `{"error":{resource: code}}` (provider-http-api §8.3).
 * @param refusal.resource which part of the request
 * @param refusal.code the wire code
 */
export function computeRefused(rule: RuleId, refusal: { resource: string; code: string }): RuleRefusal {
  const { resource, code } = refusal
  return new RuleRefusal(rule, 'ComputeRefused', { detail: `${resource}: ${code}`, legacy: { [resource]: code } })
}
