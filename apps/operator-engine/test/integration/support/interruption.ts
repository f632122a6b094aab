import type { Database } from '@c2d/postgres'
import type { Executor } from '../../../src/executor/executor.ts'

/** What an engine is made to do at its n-th action: die before or after it, or sleep there until it is woken. */
export interface Interruption {
  readonly kind: 'killed' | 'suspended'
  readonly where: 'before' | 'after'
  readonly atAction: number
}

/** An engine's view of the world that is interrupted once. */
export interface InterruptedWorld {
  db: Database
  executor: Executor
  /** Resolves when the interruption happened. */
  interrupted: Promise<void>
  /** The actions that were made, in words. */
  actions: string[]
  /** Ends a suspension. */
  wake(): void
}

/** What an engine that was killed never comes back from. */
export class Killed extends Error {}

const ACTIONS = ['prepare', 'start', 'stop', 'discardInputs', 'remove'] as const

/** Counts what changes something: statements that write, and the actions of the executor. Reading is no action. */
export function interrupt(world: { db: Database; executor: Executor }, how: Interruption): InterruptedWorld {
  const actions: string[] = []
  let onInterrupted: () => void = () => undefined
  const interrupted = new Promise<void>((resolve) => (onInterrupted = resolve))
  let wake: () => void = () => undefined
  const woken = new Promise<void>((resolve) => (wake = resolve))

  async function happen(): Promise<void> {
    onInterrupted()
    if (how.kind === 'killed') throw new Killed()
    await woken
  }

  async function act<T>(what: string, action: () => PromiseLike<T>): Promise<T> {
    actions.push(what)
    const isIt = actions.length === how.atAction
    if (isIt && how.where === 'before') await happen()
    const result = await action()
    if (isIt && how.where === 'after') await happen()
    return result
  }

  const { raw } = world.db
  const db = new Proxy(world.db, {
    get(target, name, receiver): unknown {
      if (name !== 'raw') return Reflect.get(target, name, receiver)
      return (statement: string, bindings: never) => {
        const run = () => raw.call(target, statement, bindings) as PromiseLike<unknown>
        const verb = /\b(INSERT INTO|UPDATE|DELETE FROM) (\w+)/.exec(statement)?.[0]
        return verb === undefined ? run() : act(verb, run)
      }
    },
  })
  const executor = new Proxy(world.executor, {
    get(target, name, receiver): unknown {
      const member: unknown = Reflect.get(target, name, receiver)
      if (typeof member !== 'function' || !ACTIONS.some((action) => action === name)) return member
      return (...parameters: unknown[]) =>
        act(String(name), () => Reflect.apply(member, target, parameters) as Promise<void>)
    },
  })
  return { db, executor, interrupted, actions, wake: () => wake() }
}
