import { access, chmod, constants } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/**
 * The absolute path of anvil's own binary in the platform's optional package, executable. Its npm wrapper is never used:
 * that one is slower, and leaves the chain running when it is killed. Throws where the package is not installed.
 */
export async function locateAnvil(): Promise<string> {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  const name = `@foundry-rs/anvil-${process.platform}-${architecture}`
  let binary: string
  try {
    const fromHere = createRequire(import.meta.url)
    const wrapper = fromHere.resolve('@foundry-rs/anvil/package.json')
    binary = join(dirname(createRequire(wrapper).resolve(`${name}/package.json`)), 'bin', 'anvil')
    await access(binary, constants.R_OK)
  } catch (cause) {
    throw new Error(`no anvil for this platform: the optional package ${name} is not installed`, { cause })
  }
  try {
    await access(binary, constants.X_OK)
  } catch {
    await chmod(binary, 0o755) // some installers drop the mode; if we may not set it, this error says so
  }
  return binary
}
