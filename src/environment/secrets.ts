/**
 * Secrets of a sandbox: named in its configuration, taken from the environment or else from `.env` in the current folder, given to its
 * kernels as environment variables, and hidden in all that the run writes.
 */
import { isSet, readEnvFile, type Environment } from '../env-file.ts'
import { SeerError } from '../errors.ts'
import { isInLogWords } from '../run/log-words.ts'
import { placeholder, type Secret } from '../run/redactor.ts'
import type { Run } from '../run/run.ts'
import { kernelEnvironment } from './kernel-environment.ts'
import { networkEnvironment, parseNetwork } from './network.ts'

/** What is shorter would be hidden in ordinary text, too. */
const MIN_CHARS = 8
/** The system takes up to 128 KiB for a variable, but its forms must also fit a few messages. */
const MAX_BYTES = 32 * 1024
const SET_BY_SEER = new Set([
  ...Object.keys(kernelEnvironment('', { workspaceInside: '' }, {})),
  ...Object.keys(networkEnvironment(parseNetwork('open'), true)),
  'PYTHONHASHSEED',
])

interface Place {
  readonly environment?: Environment
  readonly folder?: string
}

/** Throws a SeerError that names the secret: `secret-name`, `secret-missing`, `secret-unusable`, `env-file-unreadable`. */
export function readSecrets(names: readonly string[], env: Readonly<Record<string, string>>, place?: Place): Secret[] {
  const unique = [...new Set(names)]
  for (const name of unique) checkName(name, env)
  const { found, missing, empty } = lookUp(unique, place)
  if (missing.length > 0 || empty.length > 0) {
    const what = [...missing.map((name) => `${name} is not set`), ...empty.map((name) => `${name} is empty`)]
    throw new SeerError('secret-missing', {
      message: `A secret of the sandbox is missing: ${what.join(', ')}.`,
      hint: `Set it in the environment of this command, or in ${place?.folder ?? process.cwd()}/.env, as NAME=value.`,
    })
  }
  for (const secret of found) checkValue(secret, unique)
  return found
}

/** Has them hidden from now on in all that the run writes. For the start of a sandbox, before anything of it is told. */
export function hideSecrets(run: Run, secrets: readonly Secret[]): void {
  run.redactor.keep(secrets)
  const start = JSON.stringify(run.start)
  if (run.redactor.text(start) === start) return
  throw new SeerError('secret-in-parameters', {
    message: `The parameters of this run hold the value of a secret, and are in its log already: ${run.folder}`,
    hint: 'Delete that folder. Hand a secret on by its name, in `secrets` of the sandbox, and read it there from os.environ.',
  })
}

/** For a run whose process is gone: hides those that can still be found. Returns the names of the others. */
export function recallSecrets(run: Run, names: readonly string[]): string[] {
  const { found, missing, empty } = lookUp(names)
  run.redactor.keep(found)
  return [...missing, ...empty]
}

function lookUp(names: readonly string[], { environment = process.env, folder = process.cwd() }: Place = {}) {
  const found: Secret[] = []
  const missing: string[] = []
  const empty: string[] = []
  let file: Environment | undefined
  for (const name of names) {
    const own = environment[name]
    const value = isSet(own) ? own : (file ??= readEnvFile(folder))[name]
    if (isSet(value)) found.push({ name, value })
    else (value === undefined && own === undefined ? missing : empty).push(name)
  }
  return { found, missing, empty }
}

function checkName(name: string, env: Readonly<Record<string, string>>): void {
  const why = !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
    ? 'is not the name of an environment variable'
    : SET_BY_SEER.has(name)
      ? 'is a variable that Seer sets'
      : Object.hasOwn(env, name)
        ? 'is set by `env`, too'
        : undefined
  if (why === undefined) return
  throw new SeerError('secret-name', {
    message: `A sandbox cannot be given the secret "${name}": that ${why}.`,
    hint: 'A secret is named as its variable is, such as HF_TOKEN.',
  })
}

function checkValue({ name, value }: Secret, names: readonly string[]): void {
  const core = value.trim()
  const why =
    core.length < MIN_CHARS
      ? `has ${core.length} characters: hiding something shorter than ${MIN_CHARS} would hide ordinary text`
      : Buffer.byteLength(value) > MAX_BYTES
        ? `is longer than ${MAX_BYTES / 1024} KiB`
        : value.includes('\0')
          ? 'holds a zero byte, which no environment variable can'
          : isInLogWords(core) || names.some((known) => placeholder(known).includes(core))
            ? 'is an ordinary word, which Seer itself writes'
            : undefined
  if (why === undefined) return
  throw new SeerError('secret-unusable', {
    message: `The secret ${name} cannot be used: its value ${why}.`,
    hint: 'What need not be hidden can be handed on in `env`.',
  })
}
