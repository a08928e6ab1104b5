import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { withLock } from './lock.mjs'
import { checkRegistry, machineNpm, npm, npmRunBy } from './npm.mjs'
import { SetupError, step } from './progress.mjs'

const run = promisify(execFile)

/**
 * A Node >= 24 with an npm that it runs: the pinned one if it is in the cache, else the machine's, else the pinned one is fetched.
 * The pinned one is npm's platform package (no install script, so it works where scripts are forbidden), checked against pins.txt.
 */
export async function ensureNode({ root, cache, platform, timings }) {
  const pins = readPins(join(root, 'launcher', 'pins.txt'))
  const pin = pins.get(platform)
  const folder = pin && join(cache, `node-${pin.version}-${platform}`)
  if (folder && existsSync(join(folder, 'bin', 'node'))) return toolchainIn(folder)
  if (Number(process.versions.node.split('.')[0]) >= 24) return { node: process.execPath, npm: machineNpm }
  if (!pin) {
    throw new SetupError(
      `needs Node.js 24 and this machine has ${process.versions.node}; there is no ready-made Node for ${platform}. Install Node.js 24 or newer and run this again.`,
    )
  }
  makeFolder(cache)
  await withLock(`${folder}.lock`, async () => {
    if (existsSync(folder)) return
    await step(
      timings,
      'node',
      `first time only: fetching Node ${pin.version} (56 MB, 135 MB unpacked), because this machine has ${process.versions.node} and Seer needs 24`,
      () => fetchInto(folder, [pin, pins.get('npm')]),
    )
  })
  return toolchainIn(folder)
}

async function toolchainIn(folder) {
  const node = join(folder, 'bin', 'node')
  return { node, npm: npmRunBy(node, join(folder, 'npm', 'bin', 'npm-cli.js')) }
}

// Renamed into place last: a folder that exists is whole.
async function fetchInto(folder, [nodePin, npmPin]) {
  for (const name of readdirSync(dirname(folder))) {
    if (name.startsWith(`${basename(folder)}.part-`))
      rmSync(join(dirname(folder), name), { recursive: true, force: true })
  }
  const part = `${folder}.part-${process.pid}`
  try {
    mkdirSync(join(part, 'npm'), { recursive: true })
    const specs = [nodePin, npmPin].map((pin) => `${pin.package}@${pin.version}`)
    const options = { cwd: part, needed: `Node ${nodePin.version} and npm ${npmPin.version} (56 MB)` }
    await checkRegistry(machineNpm, specs[0], options)
    await npm(machineNpm, ['pack', '--ignore-scripts', '--loglevel=error', ...specs], options)
    await unpack(nodePin, part, part, ['package/bin/node', 'package/LICENSE'])
    await unpack(npmPin, part, join(part, 'npm'), [])
    await run(join(part, 'bin', 'node'), ['--version']).catch((cause) => {
      throw new SetupError(
        `the fetched Node does not start here (${firstLine(cause)}). Install Node.js 24 or newer yourself and run this again.`,
      )
    })
    renameSync(part, folder)
  } finally {
    rmSync(part, { recursive: true, force: true })
  }
}

async function unpack(pin, from, to, members) {
  const tarball = join(from, `${pin.package}-${pin.version}.tgz`)
  const got = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`
  if (got !== pin.integrity) {
    throw new SetupError(
      `${pin.package}@${pin.version} from your npm registry is not the file that Seer was tested with (${got}). Nothing was installed.`,
    )
  }
  await run('tar', ['-xzof', tarball, '-C', to, '--strip-components=1', ...members]).catch((cause) => {
    throw new SetupError(`could not unpack ${tarball}: ${firstLine(cause)}`)
  })
  rmSync(tarball)
}

function readPins(path) {
  const rows = readFileSync(path, 'utf8').trim().split('\n')
  return new Map(
    rows.map((row) => {
      const [name, packageName, version, integrity] = row.split(' ')
      return [name, { package: packageName, version, integrity }]
    }),
  )
}

function makeFolder(path) {
  try {
    mkdirSync(path, { recursive: true })
  } catch (error) {
    throw new SetupError(
      `cannot write the cache folder ${path} (${error.code}). Set XDG_CACHE_HOME to a folder that you may write, and run this again.`,
    )
  }
}

function firstLine(error) {
  return String(error.stderr || error.message)
    .trim()
    .split('\n')[0]
}
