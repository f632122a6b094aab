import { AppError } from '@c2d/runtime'

/** Answers a path that exists, asked with a verb that it does not know. @throws AppError `MethodNotAllowed` */
export function methodNotAllowed(): never {
  throw new AppError('MethodNotAllowed', {
    detail: '405 Method Not Allowed: The method is not allowed for the requested URL.',
  })
}
