import { JOB_STATUS } from '@c2d/contracts'
import { parseJsonLosslessly } from '@c2d/http-kit'
import type { ServerResponse } from 'node:http'
import { sendJson, startHttpStub, type HttpStub, type SeenRequest } from './http-stub.ts'

/** The operator's door with nobody behind it: it answers as operator-service does and remembers what it was asked. */
export interface FakeOperator extends HttpStub {
  environments: Record<string, unknown>[]
  /** What status requests are answered with. */
  jobs: Record<string, unknown>[]
  /** Answers who follows a job. */
  follow: (request: SeenRequest, response: ServerResponse) => void
  /** The bodies of the start requests so far. */
  starts(): Record<string, unknown>[]
  /** Requests about jobs, environments left out. */
  asked(): string[]
}

/** An environment as operator-service lists it. */
export function buildEnvironment(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: 'free',
    cpuNumber: 1,
    cpuType: '',
    gpuNumber: 0,
    gpuType: '',
    ramGB: 1,
    diskGB: 1,
    priceMin: 0,
    desc: '',
    currentJobs: 0,
    maxJobs: 10,
    consumerAddress: '0x0000000000000000000000000000000000000001',
    storageExpiry: 0,
    maxJobDuration: '3600',
    lastSeen: '1705855599.64',
    ...changes,
  }
}

/** A job as a status answer shows it. */
export function buildJob(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    agreementId: `0x${'ab'.repeat(32)}`,
    jobId: '0123456789abcdef0123456789abcdef',
    owner: '0x0000000000000000000000000000000000000002',
    status: JOB_STATUS.warmingUp.code,
    statusText: JOB_STATUS.warmingUp.text,
    dateCreated: '1700000000.5',
    dateFinished: null,
    results: '',
    stopreq: 0,
    removed: 0,
    algoDID: 'raw',
    inputDID: [],
    ...changes,
  }
}

/** The bytes that every result has. */
export const RESULT_TEXT = 'the result of the run'

/** Starts an operator that lists these environments. */
export async function startFakeOperator(environments: Record<string, unknown>[]): Promise<FakeOperator> {
  const stub = await startHttpStub((request, response) => {
    if (request.path === '/api/v1/operator/environments') sendJson(response, 200, operator.environments)
    else if (request.path.startsWith('/api/v1/operator/jobs/')) operator.follow(request, response)
    else if (request.path === '/api/v1/operator/getResult') {
      const range = request.headers.range === 'bytes=4-9'
      response.writeHead(range ? 206 : 200, {
        'Content-Type': 'text/plain',
        'Content-Disposition': 'attachment;filename=result.txt',
        'X-Internal': 'not for callers',
        ...(range ? { 'Content-Range': `bytes 4-9/${RESULT_TEXT.length}` } : {}),
      })
      response.end(range ? RESULT_TEXT.slice(4, 10) : RESULT_TEXT)
    } else if (request.method === 'POST') {
      const { agreementId, owner } = JSON.parse(request.body) as Record<string, unknown>
      sendJson(response, 200, [buildJob({ agreementId, owner })])
    } else if (request.method === 'DELETE') sendJson(response, 200, '')
    else sendJson(response, 200, operator.jobs)
  })
  const operator: FakeOperator = {
    ...stub,
    environments,
    jobs: [],
    follow: (_request, response) => sendJson(response, 404, { error: 'nothing to follow' }),
    starts: () =>
      stub.seen
        .filter((request) => request.method === 'POST')
        .map((request) => parseJsonLosslessly(request.body) as Record<string, unknown>),
    asked: () =>
      stub.seen
        .filter((request) => !request.path.endsWith('/environments'))
        .map((request) => `${request.method} ${request.path.split('/').at(-1)}`),
  }
  return operator
}
