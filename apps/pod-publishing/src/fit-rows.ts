/** What one report of results may hold, with room for logs and for what is refused (report_outputs: 16 MiB). */
const MAX_ROWS_BYTES = 13 * 1024 * 1024
/** Everything of a row but its path: sizes, hash, job, words about one failure. */
const ROW_BYTES = 500
/** A path stands in its row, in its address, in the addresses of its copies, and in its name. */
const PATHS_A_ROW = 4

/**
 * How many of the files have room in the list of results. A job whose list is too long would lose all of it, so what
 * has no room is refused before it is stored. Pure.
 * @returns the first that fit, and the rest
 */
export function fitRows<F extends { path: string }>(files: readonly F[]): { accepted: F[]; refused: F[] } {
  let leftBytes = MAX_ROWS_BYTES
  const first = files.findIndex(({ path }) => {
    leftBytes -= ROW_BYTES + PATHS_A_ROW * Buffer.byteLength(JSON.stringify(path))
    return leftBytes < 0
  })
  return first === -1
    ? { accepted: [...files], refused: [] }
    : { accepted: files.slice(0, first), refused: files.slice(first) }
}
