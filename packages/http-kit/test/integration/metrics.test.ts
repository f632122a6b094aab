import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { Router } from 'express'
import { createMetrics, type Metrics } from '../../src/metrics.ts'
import { eventually, serve, type Served } from './serve.ts'

const TOKEN = 'a-token-nobody-may-see'

let metrics: Metrics
let served: Served

beforeEach(async () => {
  metrics = createMetrics({ prefix: 'test_', mountPaths: ['/api/v1'] })
  served = await serve(
    (app) => {
      const router = Router({ mergeParams: true })
      router.get('/jobs/:jobId', (_request, response) => void response.json({}))
      app.use('/api/v1', router)
      app.use('/tenants/:tenant', router)
      app.get('/hang', (_request, response) => {
        response.write('half')
      })
      app.get('/metrics', metrics.metricsRoute())
    },
    { metrics },
  )
})
afterEach(() => served.close())

const scrape = async () => (await fetch(`${served.base}/metrics`)).text()

describe('metrics', () => {
  it('behaviour: requests are counted and timed by pattern, never by what was sent', async () => {
    await fetch(`${served.base}/api/v1/jobs/${TOKEN}?signature=${TOKEN}`)
    await fetch(`${served.base}/api/v1/jobs/other`)
    await fetch(`${served.base}/tenants/${TOKEN}/jobs/1`)
    await fetch(`${served.base}/${TOKEN}`)
    const count = (route: string, status: number, value: number) =>
      `test_http_requests_total{method="GET",route="${route}",status="${status}"} ${value}`
    await eventually(async () => (await scrape()).includes(count('unmatched', 404, 1)))
    const text = await scrape()
    expect(text).toContain(count('/api/v1/jobs/:jobId', 200, 2))
    expect(text).toContain(count('/*/jobs/:jobId', 200, 1))
    expect(text).toMatch(/test_http_request_duration_seconds_count\{[^}]*jobs[^}]*\} 2/)
    expect(text).not.toContain(TOKEN)
  })

  it('behaviour: requests that end before any route are counted as well', async () => {
    await fetch(`${served.base}/api/v1/jobs/1`, {
      method: 'POST',
      body: '{',
      headers: { 'Content-Type': 'application/json' },
    })
    const line = 'test_http_requests_total{method="POST",route="unmatched",status="400"} 1'
    await eventually(async () => (await scrape()).includes(line))
  })

  it('behaviour: an answer that was cut off is counted as aborted', async () => {
    const leaving = new AbortController()
    const response = await fetch(`${served.base}/hang`, { signal: leaving.signal })
    expect(response.status).toBe(200)
    leaving.abort()
    await eventually(async () => (await scrape()).includes('{method="GET",route="/hang",status="aborted"} 1'))
  })

  it('behaviour: what a service counts, times and reads is shown with the process itself', async () => {
    metrics.counter('orders_total', 'Orders.', ['outcome']).increment({ outcome: 'accepted' }, 2)
    metrics.histogram('wait_seconds', 'Waits.', [], [1, 2]).observe(1.5)
    metrics.gauge('jobs_running', 'Jobs.', () => 7)
    metrics.gauge('jobs_lost', 'Jobs.', () => Promise.reject(new Error('no database')))
    const response = await fetch(`${served.base}/metrics`)
    const text = await response.text()
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=/)
    expect(text).toContain('test_orders_total{outcome="accepted"} 2')
    expect(text).toContain('test_wait_seconds_bucket{le="2"} 1')
    expect(text).toContain('test_jobs_running 7')
    expect(text).not.toMatch(/^test_jobs_lost \d/m)
    expect(text).toMatch(/^test_process_cpu_seconds_total /m)
  })

  it('behaviour: two sets of metrics do not know each other', async () => {
    createMetrics({ prefix: 'test_' }).counter('orders_total', 'Orders.').increment()
    expect(await scrape()).not.toContain('test_orders_total')
  })

  it('behaviour: a gauge may show one number for each set of labels, and none of those that are gone', async () => {
    let phases = ['Pending', 'Running']
    const read = () => phases.map((phase, value) => ({ labels: { phase }, value }))
    metrics.gauge('pods', 'Pods.', read, ['phase'])
    expect(await scrape()).toContain('test_pods{phase="Running"} 1')
    phases = ['Pending']
    const text = await scrape()
    expect(text).toContain('test_pods{phase="Pending"} 0')
    expect(text).not.toContain('Running')
  })
})
