import { inspect } from 'node:util'
import { ERROR_CODES } from '@c2d/contracts'
import { describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { AppError, toError } from './app-error.ts'
import { ConfigError, flagSchema, jsonSchema, loadConfig, portSchema, secretSchema, whenValid } from './load-config.ts'
import { silentLogger } from './logger.ts'
import { createShutdown } from './shutdown.ts'
import { sleep } from './sleep.ts'

describe('AppError', () => {
  it('takes status, title and retry from the error table', () => {
    const error = new AppError('UpstreamUnavailable', { cause: new Error('connect ECONNREFUSED 10.0.0.1') })
    expect([error.status, error.retryable, error.detail]).toEqual([503, true, ERROR_CODES.UpstreamUnavailable.title])
  })

  it('makes an Error of whatever was thrown', () => {
    expect(toError('text').message).toBe('text')
  })
})

describe('loadConfig', () => {
  const schema = z.object({
    PORT: portSchema,
    KEY: secretSchema,
    FLAG: flagSchema.default(false),
    LIST: jsonSchema(z.array(z.string())),
  })

  it('gives typed settings, and treats an empty value as absent', () => {
    const config = loadConfig(schema, { PORT: '8030', KEY: 'k', FLAG: '', LIST: '["a"]' })
    expect(config).toMatchObject({ PORT: 8030, FLAG: false, LIST: ['a'] })
    expect(config.KEY.reveal()).toBe('k')
  })

  it('behaviour: printing a secret shows nothing, however it is printed', () => {
    const { KEY } = loadConfig(schema, { PORT: '1', KEY: 'hunter2', LIST: '[]' })
    expect([inspect({ KEY }), JSON.stringify({ KEY }), KEY.toString()].join()).not.toContain('hunter2')
  })

  it('error: names every problem, and no secret', () => {
    const load = () => loadConfig(schema, { PORT: '99999', LIST: 'nope' })
    expect(load).toThrow(ConfigError)
    expect(load).toThrow(/PORT[\s\S]*KEY: is needed\n[\s\S]*LIST: must be JSON/)
  })
})

describe('a rule about several variables', () => {
  const schema = z
    .object({ LEAST: portSchema, MOST: portSchema, OTHER: portSchema.optional() })
    .superRefine(
      ({ LEAST, MOST }, context) => {
        if (LEAST > MOST) context.addIssue({ code: 'custom', path: ['MOST'], message: 'must not be below LEAST' })
      },
      whenValid('LEAST', 'MOST'),
    )
    .transform(({ LEAST, MOST }) => ({ least: LEAST, most: MOST }))

  it('behaviour: is told together with what is wrong with others', () => {
    expect(() => loadConfig(schema, { LEAST: '2', MOST: '1', OTHER: 'x' })).toThrow(
      /OTHER[\s\S]*MOST: must not be below/,
    )
    expect(loadConfig(schema, { LEAST: '1', MOST: '2' })).toEqual({ least: 1, most: 2 })
  })

  it('behaviour: says nothing where one that it reads is wrong by itself', () => {
    for (const env of [{ LEAST: '2', MOST: '-1' }, { LEAST: '2' }, { LEAST: 'x', MOST: '1' }] as Record<
      string,
      string
    >[]) {
      expect(() => loadConfig(schema, env)).toThrow(/^(?![\s\S]*below LEAST)/)
    }
  })
})

describe('createShutdown', () => {
  it('closes last-in first-out, once, and goes on past one that fails', async () => {
    const closed: string[] = []
    const shutdown = createShutdown({ graceMs: 1_000 }, { log: silentLogger })
    shutdown.onClose('first', () => void closed.push('first'))
    shutdown.onClose('broken', () => Promise.reject(new Error('no')))
    shutdown.onClose('last', () => void closed.push('last'))
    await Promise.all([shutdown.close(), shutdown.close()])
    expect(closed).toEqual(['last', 'first'])
    expect(shutdown.signal.aborted).toBe(true)
  })
})

describe('sleep', () => {
  it('ends early, without an error, when it is aborted', async () => {
    const controller = new AbortController()
    const began = performance.now()
    const sleeping = sleep(10_000, controller.signal)
    controller.abort()
    await sleeping
    expect(performance.now() - began).toBeLessThan(5_000)
  })
})
