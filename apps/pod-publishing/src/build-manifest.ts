/** One output, as the manifest names it. */
export interface ManifestEntry {
  path: string
  sizeBytes: number
  sha256: string
}

/** What a job put out, with the SHA-256 of each file: for whoever keeps the files apart from the job. */
export function buildManifest(jobId: string, files: readonly ManifestEntry[]): Buffer {
  const entries = files.map(({ path, sizeBytes, sha256 }) => ({ path, sizeBytes, sha256 }))
  return Buffer.from(`${JSON.stringify({ version: 1, jobId, files: entries }, null, 2)}\n`)
}
