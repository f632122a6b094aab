// Writes images as one archive, in the form that `docker save` gives, without a Docker daemon: a node takes them from it.
//   node archive-images.mjs OUT.tar BASE NAME:TAG=FOLDER...    each image is the files of BASE, and over them those of FOLDER
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'

const [out, base, ...images] = process.argv.slice(2)
const work = mkdtempSync(join(dirname(out), 'archive-'))
// The same files give the same bytes, and so the same names.
const SAME = ['--sort=name', '--mtime=@0', '--numeric-owner']

async function addLayer(folder) {
  const path = join(work, 'layer')
  execFileSync('tar', [...SAME, '-C', folder, '-cf', path, '.'])
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  const digest = hash.digest('hex')
  renameSync(path, join(work, `${digest}.tar`))
  return digest
}

function addConfig(layers) {
  const config = JSON.stringify({
    architecture: { x64: 'amd64' }[process.arch] ?? process.arch,
    os: 'linux',
    config: { User: '1000:1000', WorkingDir: '/app', Env: [`PATH=${process.env.PATH}`, 'NODE_ENV=production'] },
    rootfs: { type: 'layers', diff_ids: layers.map((digest) => `sha256:${digest}`) },
  })
  const name = `${createHash('sha256').update(config).digest('hex')}.json`
  writeFileSync(join(work, name), config)
  return name
}

const baseLayer = await addLayer(base)
const manifest = []
for (const image of images) {
  const [name, folder] = image.split('=')
  const layers = [baseLayer, await addLayer(folder)]
  manifest.push({ Config: addConfig(layers), RepoTags: [name], Layers: layers.map((digest) => `${digest}.tar`) })
}
writeFileSync(join(work, 'manifest.json'), JSON.stringify(manifest))
execFileSync('tar', [...SAME, '-C', work, '-cf', out, '.'])
rmSync(work, { recursive: true })
