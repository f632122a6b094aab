import type { BodyDoc, RouteDoc } from '@c2d/http-kit'
import { z } from 'zod'
import { rootSchema } from './schemas.ts'

const HEALTH: BodyDoc = { schema: z.looseObject({ status: z.string() }) }

/** Who we are, how we are, and this description. */
export const SYSTEM_OPERATIONS: readonly RouteDoc[] = [
  {
    method: 'get',
    path: '/',
    operationId: 'root',
    summary: 'Who this provider is, and where everything is',
    tags: ['system'],
    responses: { '200': { description: 'Chains, addresses and endpoints', schema: rootSchema } },
  },
  {
    method: 'get',
    path: '/healthz',
    summary: 'Whether the process lives',
    tags: ['system'],
    responses: { '200': { description: 'It does', ...HEALTH } },
  },
  {
    method: 'get',
    path: '/readyz',
    summary: 'Whether everything it needs answers',
    tags: ['system'],
    responses: { '200': { description: 'It does', ...HEALTH }, '503': { description: 'It does not', ...HEALTH } },
  },
  {
    method: 'get',
    path: '/metrics',
    summary: 'Numbers for Prometheus, unless they are served elsewhere',
    tags: ['system'],
    responses: { '200': { description: 'Its text format', contentType: 'text/plain', schema: z.string() } },
  },
  {
    method: 'get',
    path: '/spec',
    summary: 'This description',
    tags: ['system'],
    responses: { '200': { description: 'OpenAPI 3.1', schema: z.looseObject({ openapi: z.literal('3.1.0') }) } },
  },
]
