import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import type { Target } from './gate-options.ts'
import type { Outcome } from './judge-rounds.ts'

// What a firewall, a missing route or a policy of the kernel says in place of the peer.
const SILENT_CODES = new Set(['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN', 'EPERM', 'EACCES'])

/** Question for the root's name servers, recursion desired: every DNS server has something to say to it. */
const DNS_QUESTION = Buffer.from('5ea1010000010000000000000000020001', 'hex')

/** Tries one address. Never rejects. @param answerMs after which it counts as silent */
export function probe(target: Target, answerMs: number): Promise<Outcome> {
  return target.protocol === 'dns' ? askDns(target, answerMs) : openConnection(target, answerMs)
}

function openConnection({ host, port }: Target, answerMs: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const end = (outcome: Outcome) => {
      clearTimeout(timer)
      // A reset, not a farewell: nothing of ours stays in the pod's network behind the algorithm's back.
      socket.resetAndDestroy()
      resolve(outcome)
    }
    const timer = setTimeout(() => end('silent'), answerMs)
    socket.once('connect', () => end('answered'))
    socket.on('error', (error: NodeJS.ErrnoException) => end(outcomeOf(error)))
  })
}

function askDns({ host, port }: Target, answerMs: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
    let done = false
    const end = (outcome: Outcome) => {
      if (done) return
      done = true
      clearTimeout(timer)
      socket.close()
      resolve(outcome)
    }
    const timer = setTimeout(() => end('silent'), answerMs)
    socket.once('message', () => end('replied'))
    // Nothing comes in with a refusal of a datagram but the ICMP message itself, be it the peer's or a firewall's; DNS is asked by TCP too.
    const fail = (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED' ? 'silent' : outcomeOf(error))
    socket.on('error', fail)
    socket.once('connect', () => {
      socket.send(DNS_QUESTION, (error) => {
        if (error) fail(error)
      })
    })
    socket.connect(port, host)
  })
}

function outcomeOf({ code }: NodeJS.ErrnoException): Outcome {
  if (code === 'ECONNREFUSED' || code === 'ECONNRESET') return 'refused'
  return code !== undefined && SILENT_CODES.has(code) ? 'silent' : 'unknown'
}
