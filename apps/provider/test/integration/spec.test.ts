import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { PROVIDER_ENDPOINTS } from '@c2d/contracts'
import { Validator } from '@seriousme/openapi-schema-validator'
import createClient from 'openapi-fetch'
import openapiTS, { astToString } from 'openapi-typescript'
import ts from 'typescript'
import { ask } from './support/api.ts'
import { startStack, type Stack } from './support/stack.ts'

const PROGRAM = `
import type { paths } from './paths.ts'
type Nonce = paths['/api/services/nonce']['get']
const nonce: Nonce['responses'][200]['content']['application/json'] = { nonce: '1' }
const query: Nonce['parameters']['query'] = { userAddress: nonce.nonce }
type Start = NonNullable<paths['/api/services/compute']['post']['requestBody']>['content']['application/json']
export const documentId: Start['dataset']['documentId'] = query.userAddress
// @ts-expect-error there is no such parameter
export const wrong: Nonce['parameters']['query'] = { user: 'x' }
`

describe('the description of the surface', () => {
  let stack: Stack
  let spec: Record<string, unknown>

  beforeAll(async () => {
    stack = await startStack()
    spec = (await ask(stack, 'GET', '/spec')).json as Record<string, unknown>
  })
  afterAll(() => stack.close())

  it('is valid OpenAPI 3.1', async () => {
    expect(spec).toMatchObject({ openapi: '3.1.0', info: { title: 'Provider', version: '0.0.0' } })
    expect(await new Validator().validate(structuredClone(spec))).toEqual({ valid: true })
  })

  it('names every endpoint that the root lists, and none that is not there', async () => {
    const described = Object.entries(spec['paths'] as Record<string, Record<string, unknown>>).flatMap(
      ([path, operations]) => Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    )
    const listed = Object.values(PROVIDER_ENDPOINTS).map(([method, path]) => `${method} ${path}`)
    expect(described).toEqual(expect.arrayContaining(listed))
    for (const one of described) {
      const [method = '', path = ''] = one.split(' ')
      const { status } = await ask(stack, method, path)
      expect([one, [404, 405].includes(status)]).toEqual([one, false])
    }
  })

  it('makes types that compile, know the parameters, and refuse others', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'provider-spec-'))
    try {
      const types = astToString(await openapiTS(JSON.stringify(spec)))
      await writeFile(join(folder, 'paths.ts'), types)
      await writeFile(join(folder, 'program.ts'), PROGRAM)
      const program = ts.createProgram([join(folder, 'program.ts')], {
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        lib: ['lib.es2022.d.ts'],
        allowImportingTsExtensions: true,
        module: ts.ModuleKind.NodeNext,
        target: ts.ScriptTarget.ES2022,
        types: [],
      })
      const problems = ts.getPreEmitDiagnostics(program).map(({ messageText }) => messageText)
      expect(problems).toEqual([])
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('lets a generated client call', async () => {
    interface Paths {
      '/api/services/nonce': {
        get: {
          parameters: { query: { userAddress: string } }
          responses: { 200: { content: { 'application/json': { nonce: string } } } }
        }
      }
    }
    const client = createClient<Paths>({ baseUrl: stack.url })
    const query = { userAddress: `0x${'12'.repeat(20)}` }
    const { data, response } = await client.GET('/api/services/nonce', { params: { query } })
    expect([response.status, data]).toEqual([200, { nonce: '1' }])
  })

  it('is shown to people on a page that loads nothing from elsewhere', async () => {
    for (const path of ['/api/docs/', '/api/docs']) {
      const page = await ask(stack, 'GET', path)
      expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
      expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'/)
      expect(page.text).toContain('data-spec="/spec"')
    }
  })
})
