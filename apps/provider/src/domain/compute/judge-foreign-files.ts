import { MAX_FOREIGN_FILES } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import type { AssetService } from '../assets/resolve-asset.ts'
import type { ServiceHost } from '../assets/service-host.ts'
import { deny, type DocketSection } from './docket.ts'
import type { DatasetCase } from './judge-dataset.ts'

/**
 * How many files other providers serve to a job. Their requests are signed before anybody asks (DESIGN §4.6), so a start
 * must know; what we serve ourselves needs no number.
 * @param sections one for each dataset
 * @param algorithmFiles of an algorithm that another provider serves; 0 for any other
 * @returns the datasets, with the number where it matters
 */
export async function judgeForeignFiles(
  found: readonly (DatasetCase | null)[],
  sections: readonly DocketSection[],
  algorithmFiles: number,
): Promise<(DatasetCase | null)[]> {
  const counts = await Promise.all(found.map(async (one) => (one ? countFiles(one.target, one.host) : null)))
  let total = algorithmFiles
  return found.map((one, index) => {
    const count = counts[index]
    const section = sections[index]
    if (!one || !section || count === undefined || count === null) return one
    if ('sentence' in count) {
      section.judge('dataset-files', deny('file_unavailable', count))
      return one
    }
    total += count.files
    const sentence = `Other providers would serve more than ${MAX_FOREIGN_FILES} files to this job.`
    const isTooMany = count.files > 0 && total > MAX_FOREIGN_FILES
    section.judge('dataset-files', isTooMany ? deny('too_many_files', { sentence }) : 'counted')
    return count.files > 0 ? { ...one, foreignFiles: count.files } : one
  })
}

/** @returns 0 files where we serve them; null where nobody does, which another rule refuses */
async function countFiles(
  { asset, service }: AssetService,
  host: ServiceHost,
): Promise<{ files: number } | { sentence: string } | null> {
  if (host.kind === 'us') return { files: 0 }
  if (host.kind === 'nobody') return null
  try {
    const files = await host.peer.countFiles({ documentId: asset.ddo.id, serviceId: service.id })
    return files > 0 ? { files } : { sentence: 'The provider of the dataset lists no file for it.' }
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'FilesUnavailable') return { sentence: thrown.detail }
    throw thrown
  }
}
