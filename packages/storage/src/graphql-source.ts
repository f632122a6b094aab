import type { GraphqlFile } from '@c2d/contracts'
import { AppError } from '@c2d/runtime'
import { askOrigin } from './ask-origin.ts'
import type { OpenedSource, SourceOptions } from './source.ts'
import { parseUserdata } from './userdata.ts'

/**
 * The answer of a GraphQL endpoint to the publisher's query: `userdata` becomes its variables (provider-http-api §7.2).
 * @throws AppError `InvalidRequest` for userdata that is no JSON object, `FilesUnavailable` when it cannot be reached
 */
export async function openGraphqlSource(file: GraphqlFile, options: SourceOptions): Promise<OpenedSource> {
  if (!URL.canParse(file.url)) throw new AppError('FilesUnavailable', { detail: 'missing graphql endpoint' })
  const variables = parseUserdata(options.userdata)
  return askOrigin(
    {
      url: new URL(file.url),
      method: 'POST',
      headers: file.headers,
      body: JSON.stringify({ query: file.query, ...(variables ? { variables } : {}) }),
      fallbackName: '',
    },
    options,
  )
}
