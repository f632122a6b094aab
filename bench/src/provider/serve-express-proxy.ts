import { Agent, request as httpRequest } from 'node:http'
import { pipeline } from 'node:stream'
import express from 'express'

/** The reference for status requests: express that passes them on over connections it keeps, and checks nothing. */
export function serveExpressProxy(port: number, upstreamPort: number): void {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 })
  const app = express()
  app.get('/api/services/compute', (request, response) => {
    const query = request.url.slice(request.url.indexOf('?'))
    const path = `/api/v1/operator/compute${query}`
    const asked = httpRequest({ host: '127.0.0.1', port: upstreamPort, path, agent }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      pipeline(answer, response, () => undefined) // a caller who goes away takes the answer with them
    })
    asked.on('error', () => response.status(502).end())
    asked.end()
  })
  app.listen(port, '127.0.0.1')
}
