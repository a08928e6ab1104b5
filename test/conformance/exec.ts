/** Commands beside the kernels: what they are given arrives as it is, and what they print, and how they end, comes back. */
import { describe, expect } from 'vitest'
import { ExecError } from '../../src/environment/exec/exec-error.ts'
import { printed } from './printed.ts'
import { codeOf, within } from './started.ts'
import type { Suite } from './suite.ts'

/** Characters that a shell would make something of. */
const ODD = ['two words', "it's", '"$HOME"', '`id`', '*', ';exit 9', '-n', '', 'ünï😀', 'a\nb', '\\', '~', '|', '#']

export function exec(suite: Suite): void {
  const check = suite.checks()
  const one = suite.shared({ env: { GIVEN: 'to all' } })

  describe('exec', () => {
    check('a text is for a shell, which starts in the workspace', async () => {
      const { sandbox } = await one()
      expect(await sandbox.exec('echo "$((6 * 7))" | cat; pwd')).toBe(`42\n${sandbox.workspacePath}\n`)
    })

    check('a list is a program and its arguments, which no shell touches', async () => {
      const { sandbox } = await one()
      expect(await sandbox.exec(['printf', '%s|', ...ODD])).toBe(ODD.map((text) => `${text}|`).join(''))
    })

    check('an exit code other than 0 throws, with all that was printed', async () => {
      const { sandbox } = await one()
      const error: unknown = await sandbox.exec('echo out; echo err >&2; exit 7').catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(ExecError)
      expect(error).toMatchObject({ code: 'exec-failed', message: expect.stringMatching(/exit code 7[^]*err/) })
      expect((error as ExecError).result).toMatchObject({ exitCode: 7, signal: null, stdout: 'out\n', stderr: 'err\n' })
    })

    check('a signal that ends it is named', async () => {
      const { sandbox } = await one()
      const error: unknown = await sandbox.exec('kill -KILL $$').catch((thrown: unknown) => thrown)
      expect((error as ExecError).result).toMatchObject({ exitCode: null, signal: 'SIGKILL' })
    })

    check('what cannot be started, or is no command', async () => {
      const { sandbox } = await one()
      expect(await codeOf(sandbox.exec(['/no/such/program']))).toBe('process-not-started')
      expect(await codeOf(sandbox.exec(['true'], { cwd: 'no/such/folder' }))).toBe('process-not-started')
      for (const command of ['', [], ['a\0b']]) expect(await codeOf(sandbox.exec(command))).toBe('exec-refused')
      expect(await codeOf(sandbox.exec('true', { timeoutMs: 5 } as never))).toBe('invalid-options')
    })

    check('stdin, folder and variables', async () => {
      const { sandbox } = await one()
      const bytes = Uint8Array.from({ length: 400_000 }, (_, i) => i % 256)
      const sum = await sandbox.exec(['sha256sum'], { input: bytes })
      expect(sum.slice(0, 64)).toBe(Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex'))
      await sandbox.exec('mkdir -p deep/er')
      expect(await sandbox.exec(['pwd'], { cwd: 'deep/er' })).toBe(`${sandbox.workspacePath}/deep/er\n`)
      const env = { OWN: ' a b\n"c"' }
      expect(await sandbox.exec('printf %s "$OWN|$GIVEN"', { env })).toBe(' a b\n"c"|to all')
      expect(await sandbox.exec('cat | wc -c')).toMatch(/^\s*0\n$/)
    })

    check('many at once, each with its own output', async () => {
      const { sandbox } = await one()
      const numbers = Array.from({ length: 12 }, (_, n) => n)
      const all = await Promise.all(numbers.map((n) => sandbox.exec(`sleep 0.${n % 3}; echo ${n}`)))
      expect(all).toEqual(numbers.map((n) => `${n}\n`))
    })

    check('a large output, whole; and one that is larger than was asked for, not in silence', async () => {
      const { sandbox } = await one()
      const line = '0123456789abcdef\n'
      const text = await sandbox.exec(`yes 0123456789abcdef | head -n 500000`)
      expect(text === line.repeat(500_000)).toBe(true)
      expect(await codeOf(sandbox.exec('yes | head -c 100000', { maxBytes: 1000 }))).toBe('exec-output-lost')
    })

    check('characters of several bytes come whole, however they were printed', async () => {
      const { sandbox } = await one()
      expect(await sandbox.exec(String.raw`printf '\360\237'; sleep 0.3; printf '\230\200'`)).toBe('😀')
    })

    check('its timeout ends it with all that it started', async () => {
      const { sandbox } = await one()
      const startedAt = performance.now()
      const slow = sandbox.exec('(sleep 71.5 & sleep 71.5); true', { timeout: 1 })
      expect(await within(30, codeOf(slow))).toBe('exec-timeout')
      expect(performance.now() - startedAt).toBeLessThan(15_000)
      expect(await sandbox.exec('ps -eo args 2>/dev/null | grep -c "^sleep 71.5" || true')).toBe('0\n')
    })

    check('its signal ends it, with the reason of the signal', async () => {
      const { sandbox } = await one()
      const reason = new Error('enough')
      const stop = new AbortController()
      const waiting = sandbox.exec('sleep 72.5', { signal: stop.signal })
      setTimeout(() => stop.abort(reason), 300)
      await expect(within(30, waiting)).rejects.toBe(reason)
    })

    check('execPython: what it printed, and the traceback where it fails', async () => {
      const { sandbox } = await one()
      expect(await sandbox.execPython(`import sys, os\nprint(sys.argv, os.getcwd())`)).toBe(
        `['-'] ${sandbox.workspacePath}\n`,
      )
      await expect(sandbox.execPython('1 / 0')).rejects.toMatchObject({
        code: 'exec-failed',
        message: expect.stringContaining('ZeroDivisionError'),
      })
    })

    check('spawn: its output as it comes, its end, and its end by force', async () => {
      const { sandbox } = await one()
      const process = await sandbox.spawn('echo one; sleep 0.2; echo two >&2; exit 3')
      const chunks: string[] = []
      for await (const { stream, text } of process.output) chunks.push(`${stream}: ${text}`)
      expect(chunks).toEqual(['stdout: one\n', 'stderr: two\n'])
      expect(await process.ended).toMatchObject({ exitCode: 3, signal: null })
      const endless = await sandbox.spawn(['sleep', '73.5'])
      await endless.kill()
      expect((await within(20, endless.ended)).signal).toMatch(/^SIG(TERM|KILL)$/)
    })

    check('it is in the log: what was run, and how it ended', async () => {
      const { sandbox, log } = await one()
      await sandbox.exec(['sh', '-c', 'echo logged; exit 0'])
      const facts = await log()
      const { process } = facts.of('process-start').find(({ argv }) => argv.includes('echo logged; exit 0'))!
      expect(facts.of('process-end').find((end) => end.process === process)).toMatchObject({
        exitCode: 0,
        stdout: 'logged\n',
      })
    })

    check('the end of the sandbox ends it, and whoever waits is told', async () => {
      const ending = await suite.start()
      const waiting = codeOf(ending.sandbox.exec('echo begun; sleep 74.5'))
      await expect.poll(async () => (await ending.log()).of('process-start').length).toBe(1)
      await within(60, ending.sandbox.terminate())
      await ending.end()
      expect(await within(10, waiting)).toBe('sandbox-terminated')
    })
  })

  describe('exec and the cells', () => {
    check('have the same files', async () => {
      const { sandbox, says } = await one()
      await sandbox.exec('echo by exec > both')
      expect(await says(`print(open('both').read(), end='')\n_ = open('both', 'w').write('by a cell')`)).toBe('by exec')
      expect(await sandbox.exec('cat both')).toBe('by a cell')
    })

    check('have the same /tmp, users and processes', async () => {
      const { sandbox, says } = await one()
      const path = (await sandbox.exec('mktemp /tmp/of-exec-XXXXXXXX')).trim()
      await sandbox.exec(`echo here > ${path}`)
      expect(await says(`import os\nprint(open('${path}').read(), os.getuid(), end='')`)).toBe(
        `here\n ${(await sandbox.exec(`id -u; rm ${path}`)).trim()}`,
      )
      const pid = await says('import os\nprint(os.getpid())')
      expect(await sandbox.exec(`kill -0 ${pid} && echo seen`)).toBe('seen\n')
    })

    check('reach each other by the loopback', async () => {
      const { sandbox, says } = await one()
      const port = await says(`import socket, threading
server = socket.create_server(('127.0.0.1', 0))
def serve():
    connection, _ = server.accept()
    connection.sendall(b'hello'); connection.close()
threading.Thread(target=serve, daemon=True).start()
print(server.getsockname()[1])`)
      const code = `import socket\nprint(socket.create_connection(('127.0.0.1', ${port}), 5).recv(5).decode())`
      expect(await sandbox.execPython(code)).toBe('hello\n')
    })

    check('run at the same time', async () => {
      const started = await one()
      const session = await started.session()
      const code = `import os, time\nprint("a cell runs", flush=True)\nwhile not os.path.exists("go"): time.sleep(0.02)`
      const waiting = session.exec(code)
      await printed(started, 'a cell runs')
      await started.sandbox.exec('touch go')
      expect(await waiting).toMatchObject({ status: 'ok' })
      await started.sandbox.exec('rm go')
    })
  })
}
