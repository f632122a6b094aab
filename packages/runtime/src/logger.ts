import { pino, type LoggerOptions } from 'pino'

/** What our code needs of a logger: constant message, variables as fields. */
export interface Logger {
  error(fields: object, message: string): void
  warn(fields: object, message: string): void
  info(fields: object, message: string): void
  debug(fields: object, message: string): void
  child(fields: object): Logger
}

/** Members that never reach a log line, however deep they sit one level down. */
const REDACTED = ['signature', 'providerSignature', 'consumerSignature', 'token', 'password', 'privateKey', 'secret']

/**
 * JSON lines on stdout: `error` a person must act; `warn` we coped; `info` state changes; `debug` the rest.
 * @param options.component which process speaks
 * @param options.level lowest level that is written
 * @param options.destination where lines go instead of stdout
 */
export function createLogger(options: {
  component: string
  level: string
  destination?: { write(line: string): void }
}): Logger {
  const settings: LoggerOptions = {
    level: options.level,
    base: { component: options.component },
    redact: { paths: REDACTED.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    formatters: { level: (label) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
  }
  return options.destination ? pino(settings, options.destination) : pino(settings)
}

/** A logger that says nothing, for tests. */
export const silentLogger: Logger = {
  error: () => {},
  warn: () => {},
  info: () => {},
  debug: () => {},
  child: () => silentLogger,
}
