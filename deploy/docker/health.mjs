// The images' health check: exit code 0 when the program in this container can do its work (its own /readyz).
// HEALTH_URL names another address; otherwise the program's own settings say where it listens.
const { HEALTH_URL, OCEAN_PROVIDER_URL, OPERATOR_URL, HEALTH_PORT } = process.env

const portOf = (address, usual) => /:(\d+)\/?$/.exec(address ?? '')?.[1] ?? usual
const portByApp = {
  provider: portOf(OCEAN_PROVIDER_URL, 8030),
  'operator-service': portOf(OPERATOR_URL, 8050),
  'operator-engine': HEALTH_PORT || 8060,
}
const app = Object.keys(portByApp).find((name) => process.env.C2D_APP === name)

try {
  const url = HEALTH_URL || `http://127.0.0.1:${portByApp[app]}/readyz`
  const response = await fetch(url, { signal: AbortSignal.timeout(3_000) })
  await response.body?.cancel()
  process.exitCode = response.ok ? 0 : 1
} catch (error) {
  process.stdout.write(`${error.cause?.message ?? error.message}\n`)
  process.exitCode = 1
}
