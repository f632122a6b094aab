/** One measured quantity: samples of ours, and of the reference where there is one. */
export interface Measured {
  /** What was measured, in the words of the budget. */
  what: string
  unit: string
  ours: readonly number[]
  reference?: readonly number[]
}

/**
 * Prints a table of minimum, median and maximum, and as the very last line one JSON object of the medians.
 * `ratio` is ours to the reference.
 */
export function printReport(name: string, measured: readonly Measured[], write: (text: string) => void): void {
  const rows = [['', 'unit', 'min', 'median', 'max', 'reference', 'ratio']]
  for (const { what, unit, ours, reference } of measured) {
    const ratio = reference ? median(ours) / median(reference) : null
    rows.push([
      what,
      unit,
      format(Math.min(...ours)),
      format(median(ours)),
      format(Math.max(...ours)),
      reference ? format(median(reference)) : '',
      ratio === null ? '' : ratio.toFixed(2),
    ])
  }
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  for (const row of rows) {
    write(
      `${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')}\n`,
    )
  }
  const summary = measured.map(({ what, unit, ours, reference }) => ({
    what,
    unit,
    ours: rounded(median(ours)),
    reference: reference ? rounded(median(reference)) : null,
    ratio: reference ? rounded(median(ours) / median(reference)) : null,
  }))
  write(`${JSON.stringify({ name, rows: summary })}\n`)
}

/** The middle of a list that is not empty. */
export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low, high] = [sorted[middle - 1], sorted[middle]]
  if (high === undefined) throw new RangeError('there is nothing to take the median of')
  return sorted.length % 2 === 0 && low !== undefined ? (low + high) / 2 : high
}

function rounded(value: number): number {
  return Number(value.toPrecision(4))
}

function format(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
