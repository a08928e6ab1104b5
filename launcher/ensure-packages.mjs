import { copyFileSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { withLock } from './lock.mjs'
import { checkRegistry, machineNpm, npm } from './npm.mjs'
import { SetupError, step } from './progress.mjs'

/**
 * The checkout's node_modules as the lock file says. The stamp (a copy of the lock file, named by platform for shared homes) is
 * removed first and written last, so an interrupted install is never taken for a whole one.
 */
export async function ensurePackages({ root, platform, toolchain, timings }) {
  const lockFile = join(root, 'package-lock.json')
  const stamp = join(root, 'node_modules', `.seer-installed-${platform}`)
  const installed = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === readFileSync(lockFile, 'utf8')
  if (installed()) return
  const install = async () => {
    if (installed()) return
    rmSync(stamp, { force: true })
    await npmInstall({ root, toolchain, timings })
    copyFileSync(lockFile, stamp)
  }
  try {
    await withLock(join(root, '.seer-install.lock'), install)
  } catch (error) {
    if (!['EACCES', 'EROFS', 'EPERM'].includes(error.code)) throw error
    throw new SetupError(
      `${root} is read-only and its npm packages are not installed: run ./seer there once as someone who may write it, or copy the folder.`,
    )
  }
}

// Not `npm ci`: it refuses a lock file that lacks another platform's binary, which mirrors often lag behind in publishing.
// `--no-save` installs what the lock file names, checks each package's hash, and leaves the file as it is. What the page is
// built with is among the development packages.
async function npmInstall({ root, toolchain, timings }) {
  const why = existsSync(join(root, 'node_modules'))
    ? 'the lock file changed or an install was cut short'
    : 'they are not there yet'
  const needed = 'the npm packages of package-lock.json (250 MB)'
  const text = `installing the npm packages that Seer is built on (250 MB) into node_modules, because ${why}`
  await step(timings, 'packages', text, async () => {
    const env = await npmEnv(toolchain)
    await checkRegistry(toolchain.npm, anyDependency(root), { cwd: root, env, needed })
    const options = ['--include=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
    await npm(toolchain.npm, ['install', '--no-save', ...options], { cwd: root, env, needed })
  })
}

// npm's own shebang and its children must find this Node first. An npm that we fetched must still read the machine's global settings.
async function npmEnv(toolchain) {
  const env = { PATH: `${dirname(toolchain.node)}${delimiter}${process.env.PATH ?? ''}` }
  if (toolchain.npm === machineNpm) return env
  const answer = await npm(machineNpm, ['config', 'get', 'globalconfig'], { needed: "npm's settings" }).catch(() => '')
  const globalConfig = answer.trim().split('\n').at(-1)
  return globalConfig ? { ...env, npm_config_globalconfig: globalConfig } : env
}

function anyDependency(root) {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return Object.entries(dependencies)[0].join('@')
}
