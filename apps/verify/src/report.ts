/** One line of what was checked. `unchecked` is no lie, and no proof either. */
export interface ReportLine {
  outcome: 'passed' | 'failed' | 'unchecked'
  text: string
}

const MARKS = { passed: 'ok', failed: 'FAIL', unchecked: '--' } as const

/** The report as a person reads it: one line a check, and the verdict. */
export function renderReport(lines: readonly ReportLine[]): string {
  const failed = lines.filter(({ outcome }) => outcome === 'failed').length
  const unchecked = lines.filter(({ outcome }) => outcome === 'unchecked').length
  const verdict =
    failed > 0
      ? `The proof does NOT hold: ${failed} of ${lines.length} checks failed.`
      : `Everything that was checked holds${unchecked > 0 ? `; ${unchecked} could not be checked` : ''}.`
  return `${lines.map(({ outcome, text }) => `${MARKS[outcome].padEnd(5)}${text}`).join('\n')}\n\n${verdict}\n`
}

/** Whether nothing turned out to be a lie. */
export function isHolding(lines: readonly ReportLine[]): boolean {
  return lines.every(({ outcome }) => outcome !== 'failed')
}
