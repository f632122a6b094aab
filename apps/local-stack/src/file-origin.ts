import { randomBytes } from 'node:crypto'
import { listen } from '@c2d/http-kit'
import express from 'express'

/** A server of files that only who knows their addresses can find. */
export interface FileOrigin {
  /** `host:port`, for the lists of addresses that services may reach. */
  readonly host: string
  /** The address of a file. */
  urlOf(fileName: string): string
  close(): Promise<void>
}

/**
 * Serves files at addresses nobody can guess: the publisher's own web space, whose addresses are encrypted in the
 * assets and must not show up anywhere else. Answers ranges.
 * @param paths each file by the name that it is served under
 * @param place where to listen, and the secret part of the addresses; default: a free port of 127.0.0.1, a fresh secret
 */
export async function startFileOrigin(
  paths: Readonly<Record<string, string>>,
  place: { readonly host: string; readonly port: number; readonly secret?: string } = { host: '127.0.0.1', port: 0 },
): Promise<FileOrigin> {
  const { host, secret = randomBytes(16).toString('hex') } = place
  const app = express()
  app.disable('x-powered-by')
  for (const [fileName, path] of Object.entries(paths)) {
    app.get(`/${secret}/${fileName}`, (_request, response, next) => {
      response.sendFile(path, { dotfiles: 'allow', cacheControl: false }, (error?: Error) => {
        if (error) next(error)
      })
    })
  }
  const listening = await listen(app, place)
  return {
    host: `${host}:${listening.port}`,
    urlOf: (fileName) => `http://${host}:${listening.port}/${secret}/${fileName}`,
    close: () => listening.close(),
  }
}
