import { runInNewContext } from 'node:vm'
import { describe, expect, it } from '@jest/globals'
import { Validator } from '@seriousme/openapi-schema-validator'
import { z } from 'zod'
import { DOCS_SCRIPT } from './docs-page-assets.ts'
import { buildOpenApi, type OpenApiDocument, type RouteDoc } from './openapi.ts'

const Address = z
  .string()
  .regex(/^0x[0-9a-f]{40}$/i)
  .describe('An account.')
const Folder = z.object({
  name: z.string(),
  get folders() {
    return z.array(Folder).optional()
  },
})
const Loop = z.object({ next: z.lazy((): z.ZodType => Loop).optional() })
const Job = z.object({
  jobId: z.string(),
  owner: Address,
  seconds: z.number().int().default(60),
  loop: Loop.optional(),
})

const routes: RouteDoc[] = [
  {
    method: 'get',
    path: '/jobs/:jobId',
    summary: 'One job',
    tags: ['jobs'],
    params: z.object({ jobId: z.string().length(32) }),
    query: z.object({ owner: Address, nonce: z.string().optional().describe('Spent once.') }),
    headers: z.object({ AuthToken: z.string().optional() }),
    responses: { 200: { description: 'The job', schema: Job }, '4XX': { description: 'Refused' } },
  },
  {
    method: 'post',
    path: '/jobs',
    summary: 'Start',
    deprecated: true,
    body: { schema: z.object({ owner: Address, when: z.date(), text: z.string().transform((text) => text.length) }) },
    responses: { 200: { description: 'Started', schema: z.array(Job) } },
  },
  {
    method: 'post',
    path: '/encrypt',
    summary: 'Encrypt',
    body: { contentType: 'application/octet-stream' },
    responses: { 201: { description: 'Hex', contentType: 'text/plain', schema: z.string() } },
  },
]
const build = (change: Partial<Parameters<typeof buildOpenApi>[0]> = {}) =>
  buildOpenApi({
    title: 'Jobs',
    version: '1',
    description: 'All.',
    routes,
    schemas: { Address, Folder, Job },
    ...change,
  })
const at = (document: OpenApiDocument, ...keys: string[]): unknown =>
  keys.reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], document)

describe('buildOpenApi', () => {
  it('behaviour: the document is valid OpenAPI 3.1, and all its references lead somewhere', async () => {
    const document = JSON.parse(JSON.stringify(build())) as OpenApiDocument
    expect(await new Validator().validate({ ...document })).toEqual({ valid: true })
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) => path)
    expect(references.length).toBeGreaterThan(4)
    for (const path of references) expect(at(document, ...path.split('/'))).toBeInstanceOf(Object)
  })

  it('behaviour: schemas with a name are referred to, others stand where they are used', () => {
    const document = build()
    expect(at(document, 'components', 'schemas', 'Job', 'properties', 'owner')).toEqual({
      $ref: '#/components/schemas/Address',
    })
    expect(at(document, 'components', 'schemas', 'Folder', 'properties', 'folders', 'items')).toEqual({
      $ref: '#/components/schemas/Folder',
    })
    const media = ['paths', '/jobs', 'post', 'responses', '200', 'content', 'application/json', 'schema']
    expect(at(document, ...media)).toEqual({ type: 'array', items: { $ref: '#/components/schemas/Job' } })
    expect(JSON.stringify(document)).not.toMatch(/__inline|__shared|\$id/)
  })

  it('behaviour: parameters come from the path, the query and the headers', () => {
    expect(at(build(), 'paths', '/jobs/{jobId}', 'get', 'parameters')).toMatchObject([
      { name: 'jobId', in: 'path', required: true, schema: { type: 'string', minLength: 32 } },
      { name: 'owner', in: 'query', required: true, schema: { $ref: '#/components/schemas/Address' } },
      { name: 'nonce', in: 'query', required: false, description: 'Spent once.' },
      { name: 'AuthToken', in: 'header', required: false },
    ])
  })

  it('behaviour: what has a default need not be sent', () => {
    expect(at(build(), 'components', 'schemas', 'Job', 'required')).toEqual(['jobId', 'owner'])
  })

  it('error: two operations with one method and path, or with one id, are refused', () => {
    const [first] = routes
    expect(() => build({ routes: [first!, first!] })).toThrow('get /jobs/:jobId is described twice')
    const twin: RouteDoc = { ...first!, path: '/else', operationId: 'one' }
    expect(() => build({ routes: [twin, { ...twin, path: '/other' }] })).toThrow('one names two operations')
  })
})

/** Just enough of a browser to see what the page would say. */
class FakeElement {
  children: (FakeElement | string)[] = []
  className = ''
  dataset: Record<string, string> = {}
  append(...children: (FakeElement | string)[]) {
    this.children.push(...children)
  }
  replaceChildren(...children: (FakeElement | string)[]) {
    this.children = children
  }
  get text(): string {
    return this.children.map((child) => (typeof child === 'string' ? child : child.text)).join(' ')
  }
}

async function renderPage(answer: { ok: boolean; status: number; json?: () => unknown }): Promise<string> {
  const main = new FakeElement()
  main.dataset['spec'] = 'openapi.json'
  const document = { getElementById: () => main, createElement: () => new FakeElement(), title: '' }
  runInNewContext(DOCS_SCRIPT, { document, fetch: async () => answer })
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  return main.text
}

describe('the script of docsPage', () => {
  it('behaviour: it lists operations, parameters and schemas', async () => {
    const text = await renderPage({ ok: true, status: 200, json: () => build() })
    for (const part of ['Jobs 1', 'jobs', '/jobs/{jobId}', 'One job', 'AuthToken', 'Job[]', 'Spent once.', 'Folder']) {
      expect(text).toContain(part)
    }
  })

  it('error: a document that cannot be had is named', async () => {
    expect(await renderPage({ ok: false, status: 503 })).toContain('it answers 503')
  })

  it('behaviour: it writes no HTML, and nothing that ends the element it stands in', () => {
    expect(DOCS_SCRIPT).not.toMatch(/innerHTML|insertAdjacent|document\.write|<\/script|eval/i)
  })
})
