import type { AppError } from '@c2d/runtime'
import { ruleText, type RuleId } from './compute-rules.ts'
import { computeRefused, RuleRefusal } from './refusal.ts'

/** What one rule says about one part of a request. */
export interface Verdict {
  rule: RuleId
  /** The part, as refusals of the reference name it (provider-http-api §8.3). */
  resource: string
  outcome: 'allow' | 'deny' | 'skipped'
  sentence: string
  /** What to change; null where nothing need be. */
  change: string | null
}

/** Where a rule says no: the wire code, and better words than the rule's own where there are any. */
export interface Denied {
  readonly denied: { readonly code: string; readonly sentence?: string; readonly change?: string }
}

/** A denial, ready to be judged. */
export function deny(code: string, words: { sentence?: string; change?: string } = {}): Denied {
  return { denied: { code, ...words } }
}

/** Why a rule is skipped for callers whom its verdict would tell what is not theirs to know. */
export const HIDDEN = 'Not told to callers who did not sign.'

/** The rules about one part of a request. */
export interface DocketSection {
  /**
   * Notes what was found for a rule.
   * @returns what holds, or null where the rule says no
   */
  judge<T>(rule: RuleId, found: T | Denied): T | null
  /** Notes that a rule is not asked, and why. */
  skip(rule: RuleId, sentence: string): void
  /** Whether no rule of this section said no so far. */
  isClear(): boolean
}

/** All verdicts about a request; rules are judged in any order and told in the reference's. */
export interface Docket {
  section(resource: string, rules: readonly RuleId[]): DocketSection
  /** @throws AppError for the first rule in order that said no so far: the legacy answer of a refused start */
  assertClear(): void
  verdicts(): Verdict[]
}

type Entry = Denied | 'holds' | { skipped: string }

interface OpenSection {
  resource: string
  rules: readonly RuleId[]
  entries: Map<RuleId, Entry>
}

/** Opens an empty docket; its sections are told in the order in which they are opened. */
export function openDocket(): Docket {
  const sections: OpenSection[] = []
  return {
    section(resource, rules) {
      const entries = new Map<RuleId, Entry>()
      sections.push({ resource, rules, entries })
      return {
        judge<T>(rule: RuleId, found: T | Denied): T | null {
          const denied = isDenied(found)
          entries.set(rule, denied ? found : 'holds')
          return denied ? null : found
        },
        skip(rule, sentence) {
          entries.set(rule, { skipped: sentence })
        },
        isClear: () => ![...entries.values()].some(isDenied),
      }
    },
    assertClear() {
      for (const section of sections) {
        const rule = firstDenied(section)
        const entry = rule && section.entries.get(rule)
        if (rule && isDenied(entry)) throw refusalOf(section.resource, rule, entry)
      }
    },
    verdicts: () => sections.flatMap((section) => section.rules.map((rule) => verdictOf(section, rule))),
  }
}

function isDenied(found: unknown): found is Denied {
  return typeof found === 'object' && found !== null && 'denied' in found
}

function firstDenied({ rules, entries }: OpenSection): RuleId | undefined {
  return rules.find((rule) => isDenied(entries.get(rule)))
}

function refusalOf(resource: string, rule: RuleId, { denied }: Denied): AppError {
  const { member, error } = ruleText(rule)
  return error
    ? new RuleRefusal(rule, error, { detail: denied.code })
    : computeRefused(rule, { resource: resource + member, code: denied.code })
}

function verdictOf(section: OpenSection, rule: RuleId): Verdict {
  const { member, holds, fails, change } = ruleText(rule)
  const base = { rule, resource: section.resource + member }
  const entry = section.entries.get(rule)
  if (entry === 'holds') return { ...base, outcome: 'allow', sentence: holds, change: null }
  if (isDenied(entry)) {
    const { denied } = entry
    return { ...base, outcome: 'deny', sentence: denied.sentence ?? fails, change: denied.change ?? change }
  }
  const why = entry?.skipped ?? becauseOf(firstDenied(section))
  return { ...base, outcome: 'skipped', sentence: why, change: null }
}

function becauseOf(rule: RuleId | undefined): string {
  return rule ? `Not judged while ${rule} does not hold.` : 'Not judged: it needs another part of the request first.'
}
