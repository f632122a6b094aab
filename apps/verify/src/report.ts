/** One line of what was checked. `unchecked` is no lie, and no proof either; `says` is what the proof tells. */
export interface ReportLine {
  outcome: 'passed' | 'failed' | 'unchecked' | 'says'
  text: string
}

const MARKS = { passed: 'ok', failed: 'FAIL', unchecked: '--', says: 'says' } as const

/** The report as a person reads it: one line a check, and the verdict. */
export function renderReport(lines: readonly ReportLine[]): string {
  const count = (outcome: ReportLine['outcome']): number => lines.filter((line) => line.outcome === outcome).length
  const [failed, unchecked] = [count('failed'), count('unchecked')]
  const verdict =
    failed > 0
      ? `The proof does NOT hold: ${failed} of ${failed + count('passed')} checks failed.`
      : `Everything that was checked holds${unchecked > 0 ? `; ${unchecked} could not be checked` : ''}.`
  const body = lines.map(({ outcome, text }) => `${MARKS[outcome].padEnd(5)}${escapeText(text)}`)
  return `${body.join('\n')}\n\n${verdict}\n`
}

/**
 * Names in a proof, and of files at hand, are whatever somebody called them: none may write a line of its own into a
 * report, nor move the cursor of whoever reads it.
 */
export function escapeText(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`)
}

/** Whether nothing turned out to be a lie. */
export function isHolding(lines: readonly ReportLine[]): boolean {
  return lines.every(({ outcome }) => outcome !== 'failed')
}
