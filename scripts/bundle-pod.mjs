// Bundles a pod into one file: it starts on the path of every job, so it must not read hundreds of modules.
import { build } from 'esbuild'

// bundle-pod NAME [ENTRY OUTFILE]
const [name, entry = 'src/main.ts', outfile = 'dist/pod.mjs'] = process.argv.slice(2)
await build({
  entryPoints: [entry],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  conditions: ['source'],
  external: ['pg-native'],
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  sourcemap: true,
  logLevel: 'error',
  logOverride: { 'empty-import-meta': 'silent' },
})
process.stdout.write(`${name}: ${outfile}\n`)
