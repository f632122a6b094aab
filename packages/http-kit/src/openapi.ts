import { z } from 'zod'

/** One operation of an HTTP surface, as its route declares it. */
export interface RouteDoc {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete' | 'head'
  /** As express has it: parameters are `:name`. */
  path: string
  /** One line. */
  summary: string
  /** Markdown. */
  description?: string
  /** Unique; made of method and path when left out. */
  operationId?: string
  tags?: readonly string[]
  deprecated?: boolean
  /** Schemas of the path's parameters; a plain text for those not named here. */
  params?: z.ZodObject
  query?: z.ZodObject
  headers?: z.ZodObject
  body?: BodyDoc
  /** Answers by status (`200`, `4XX`, `default`). */
  responses: Readonly<Record<string, BodyDoc & { description: string }>>
}

/** What a body holds. */
export interface BodyDoc {
  description?: string
  schema?: z.ZodType
  /** Default `application/json`. */
  contentType?: string
}

export interface OpenApiOptions {
  title: string
  version: string
  description: string
  routes: readonly RouteDoc[]
  /** Schemas with a name: wherever one is used, a reference to its component stands. */
  schemas?: Readonly<Record<string, z.ZodType>>
  servers?: readonly { url: string; description?: string }[]
}

/** An OpenAPI document, ready for JSON. */
export type OpenApiDocument = { readonly openapi: '3.1.0' } & Readonly<Record<string, unknown>>

type JsonObject = Record<string, unknown>
/** Describes a schema; as a reference where it has a name, unless the whole of it is wanted. */
type Describe = (schema: z.ZodType, as?: 'whole') => JsonObject

const COMPONENTS = '#/components/schemas/'

/**
 * The OpenAPI 3.1 document of a surface, from the schemas that parse its requests. Schemas are described as what a
 * client sends: what a transform makes of it is our own business.
 * @throws TypeError when two operations have one method and path, or one operation id
 */
export function buildOpenApi(options: OpenApiOptions): OpenApiDocument {
  const registry = z.registry<{ id: string }>()
  for (const [name, schema] of Object.entries(options.schemas ?? {})) registry.add(schema, { id: name })
  // First every schema gets a name, then all are described in one go: so each knows the others by reference.
  const anonymous = (index: number) => `__inline${index}`
  let count = 0
  for (const schema of options.routes.flatMap(schemasOf)) {
    if (!registry.has(schema)) registry.add(schema, { id: anonymous(count++) })
  }
  const uri = (id: string) => COMPONENTS + id
  const described = z.toJSONSchema(registry, { io: 'input', unrepresentable: 'any', uri }).schemas
  const tidied = Object.fromEntries(
    Object.entries(described).map(([id, schema]) => [id, tidy(schema) as JsonObject] as const),
  )
  const { __shared: shared, ...own } = tidied
  const isNamed = (id: string) => Object.hasOwn(options.schemas ?? {}, id)
  const describe: Describe = (schema, as) => {
    const id = registry.get(schema)?.id ?? ''
    return as !== 'whole' && isNamed(id) ? { $ref: COMPONENTS + id } : (own[id] ?? {})
  }

  const paths: Record<string, Record<string, JsonObject>> = {}
  const operationIds = new Set<string>()
  for (const route of options.routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    const operation = buildOperation(route, describe)
    const methods = (paths[path] ??= {})
    if (route.method in methods) throw new TypeError(`${route.method} ${route.path} is described twice`)
    if (operationIds.has(operation.operationId)) throw new TypeError(`${operation.operationId} names two operations`)
    operationIds.add(operation.operationId)
    methods[route.method] = operation
  }
  const named = Object.entries(own).filter(([id]) => isNamed(id))
  const sharedSchemas: JsonObject = {}
  for (const [id, schema] of Object.entries((shared?.['$defs'] ?? {}) as JsonObject)) {
    sharedSchemas[`shared_${id}`] = schema
  }
  return {
    openapi: '3.1.0',
    info: { title: options.title, version: options.version, description: options.description },
    ...(options.servers ? { servers: options.servers } : {}),
    paths,
    components: { schemas: { ...Object.fromEntries(named), ...sharedSchemas } },
  }
}

function schemasOf(route: RouteDoc): z.ZodType[] {
  const bodies = [route.body, ...Object.values(route.responses)].map((body) => body?.schema)
  return [route.params, route.query, route.headers, ...bodies].filter((schema) => schema !== undefined)
}

function buildOperation(route: RouteDoc, describe: Describe): JsonObject & { operationId: string } {
  const { summary, description, tags, deprecated, body } = route
  const parameters = [
    ...pathParameters(route, describe),
    ...parametersOf('query', route.query, describe),
    ...parametersOf('header', route.headers, describe),
  ]
  const responses = Object.entries(route.responses).map(([status, response]) => [
    status,
    { description: response.description, ...contentOf(response, describe) },
  ])
  return {
    operationId: route.operationId ?? `${route.method}${route.path.replace(/\W+(\w?)/g, (_, c: string) => `_${c}`)}`,
    summary,
    ...(description === undefined ? {} : { description }),
    ...(tags ? { tags } : {}),
    ...(deprecated ? { deprecated } : {}),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: buildRequestBody(body, describe) } : {}),
    responses: Object.fromEntries(responses) as JsonObject,
  }
}

function buildRequestBody(body: BodyDoc, describe: Describe): JsonObject {
  const required = !(body.schema instanceof z.ZodOptional)
  const content = contentOf(body, describe)
  return {
    ...(body.description === undefined ? {} : { description: body.description }),
    required,
    ...('content' in content ? content : { content: { '*/*': {} } }),
  }
}

function contentOf(body: BodyDoc, describe: Describe): JsonObject {
  if (!body.schema && body.contentType === undefined) return {}
  const media = body.schema ? { schema: describe(body.schema) } : {}
  return { content: { [body.contentType ?? 'application/json']: media } }
}

function pathParameters(route: RouteDoc, describe: Describe): JsonObject[] {
  const group = route.params ? describe(route.params, 'whole') : {}
  return [...route.path.matchAll(/:(\w+)/g)].map(([, name = '']) =>
    buildParameter('path', name, propertiesOf(group)[name] ?? { type: 'string' }, true),
  )
}

function parametersOf(place: 'query' | 'header', group: z.ZodObject | undefined, describe: Describe): JsonObject[] {
  const whole = group ? describe(group, 'whole') : {}
  const required: unknown[] = Array.isArray(whole.required) ? whole.required : []
  return Object.entries(propertiesOf(whole)).map(([name, schema]) =>
    buildParameter(place, name, schema, required.includes(name)),
  )
}

function buildParameter(place: string, name: string, schema: JsonObject, required: boolean): JsonObject {
  const { description } = schema
  return { name, in: place, required, ...(typeof description === 'string' ? { description } : {}), schema }
}

function propertiesOf(schema: JsonObject): Record<string, JsonObject> {
  return (schema.properties ?? {}) as Record<string, JsonObject>
}

/** Without the identities of JSON Schema, which would move the base of references; with shared parts as components. */
function tidy(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(tidy)
  if (typeof node !== 'object' || node === null) return node
  const entries = Object.entries(node)
    .filter(([key, value]) => !((key === '$id' || key === '$schema') && typeof value === 'string'))
    .map(([key, value]: [string, unknown]) => {
      if (key !== '$ref' || typeof value !== 'string') return [key, tidy(value)]
      return [key, value.replace(`${COMPONENTS}__shared#/$defs/`, `${COMPONENTS}shared_`)]
    })
  return Object.fromEntries(entries) as JsonObject
}
