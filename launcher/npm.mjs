import { spawn } from 'node:child_process'
import { SetupError } from './progress.mjs'

const NETWORK_CODES =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ESOCKETTIMEDOUT|ERR_SOCKET_TIMEOUT|EIDLETIMEOUT|ENETUNREACH|EHOSTUNREACH|CERT|E407|network timeout/

/** npm as the machine has it: the user's registry, proxy and certificates hold. */
export const machineNpm = { command: process.platform === 'win32' ? 'npm.cmd' : 'npm', before: [] }

/** npm's own command-line file run by a Node of ours. */
export function npmRunBy(node, npmCli) {
  return { command: node, before: [npmCli] }
}

/**
 * Fails within half a minute where there is no network: an install itself tries every optional package in turn, and a firewall
 * that drops packets would hold each for minutes.
 */
export async function checkRegistry(runner, spec, { cwd, env, needed }) {
  const impatience = ['--fetch-retries=1', '--fetch-timeout=12000']
  await npm(runner, ['view', spec, 'version', '--loglevel=error', ...impatience], { cwd, env, needed })
}

/** Runs npm and gives its stdout; its own words are in the error, after what was `needed` (a noun phrase). */
export async function npm(runner, args, { cwd, env = {}, needed }) {
  const patience = ['--fetch-retry-mintimeout=2000', '--fetch-retry-maxtimeout=10000']
  const child = spawn(runner.command, [...runner.before, ...args, ...patience], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr = (stderr + text).slice(-20_000)))
  const status = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve)).catch(
    (error) => {
      if (error.code !== 'ENOENT') throw error
      throw new SetupError(
        `npm is not on your PATH, and it fetches ${needed}. Install npm (it comes with Node.js) and run this again.`,
      )
    },
  )
  if (status === 0) return stdout
  throw new SetupError(explain(stderr, needed))
}

function explain(stderr, needed) {
  const lines = stderr
    .split('\n')
    .filter((line) => /^npm (error|ERR!)/.test(line) && !/complete log of this run/.test(line))
  const said = lines.map((line) => line.replace(/^npm (error|ERR!)\s*/, '').trim()).filter(Boolean)
  const quote = said.slice(0, 4).join(' | ') || stderr.trim().slice(-300) || 'nothing'
  if (/ENOSPC/.test(stderr))
    return `the disk is full; needed ${needed}. Free some space and run this again.\n  npm said: ${quote}`
  if (NETWORK_CODES.test(stderr)) {
    return (
      `no network: needed ${needed} from the npm registry, this first time only.\n` +
      `  npm said: ${quote}\n` +
      `  Behind a proxy or a mirror, set npm's "proxy" or "registry" (npm config set …). Run the same command again: it goes on where it stopped.`
    )
  }
  return `could not get ${needed}.\n  npm said: ${quote}\n  Put that right and run the same command again: it goes on where it stopped.`
}
