// One jest project, and a second chance for those of its test files that failed: alone. A machine that has other work to
// do lets a test miss what it waits for; a fault of ours fails alone too.
import { readFileSync } from 'node:fs'

/** Beyond as many failed files it is no accident. */
const MOST = 6

/**
 * Runs a jest project.
 * @param {{ again: boolean, report: string }} options again: failed files run once more, each by itself; report: the file
 *   that jest writes its JSON report to
 * @param {{ runJest: (flags: string[]) => Promise<number>, say: (line: string) => void }} deps runJest: gives jest's exit
 *   code
 * @returns {Promise<{ isGood: boolean, passed: number, failed: number, unstable: string[] }>} unstable: files that
 *   failed beside others and passed alone, with the titles that failed
 */
export async function runJestProject({ again, report }, { runJest, say }) {
  const code = await runJest([])
  const files = loadReport(report)
  const unstable = []
  let isGood = code === 0
  const failed = [...files.values()].filter(({ isFailed }) => isFailed)
  // Without a failed file something else went wrong, which a file by itself would not show.
  if (!isGood && again && failed.length > 0 && failed.length <= MOST) {
    isGood = true
    for (const { path, titles } of failed) {
      say(`once more, alone: ${path}`)
      const codeAlone = await runJest(['--runTestsByPath', path])
      const alone = loadReport(report).get(path)
      if (alone) files.set(path, alone)
      if (codeAlone === 0 && alone?.isFailed === false)
        unstable.push(`${path}\n${titles.map((t) => `    ${t}`).join('\n')}`)
      else isGood = false
    }
  }
  const sum = (name) => [...files.values()].reduce((total, file) => total + file[name], 0)
  return { isGood, passed: sum('passed'), failed: sum('failed'), unstable }
}

/** By path, what jest reported of each file; empty where jest could not even begin: its exit code tells. */
function loadReport(report) {
  let testResults
  try {
    ;({ testResults } = JSON.parse(readFileSync(report, 'utf8')))
  } catch {
    return new Map()
  }
  return new Map(
    testResults.map(({ name, status, assertionResults }) => {
      const having = (wanted) => assertionResults.filter((result) => result.status === wanted)
      const titles = having('failed').map(({ fullName }) => fullName)
      const counts = { passed: having('passed').length, failed: having('failed').length }
      return [name, { path: name, isFailed: status === 'failed', titles, ...counts }]
    }),
  )
}
