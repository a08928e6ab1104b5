/** The five members of a machine, and those that only some have. The suite for sandboxes stands on these. */
import { Readable } from 'node:stream'
import { afterAll, describe, expect, test } from 'vitest'
import type { Machine, MachineProcess, StartedMachine, TreeEntry } from '../../src/sandbox/backend.ts'
import { codeOf, within } from './started.ts'

export interface MachineBackend {
  readonly start: () => Promise<StartedMachine>
  /** A machine that an earlier process started, by what its run's log says of it. */
  readonly attach: (said: unknown) => { machine: Machine } | undefined
  readonly remains: () => Promise<readonly string[]>
  /** Of the members that a machine may lack: true, or the reason why not. */
  readonly optional: { readonly trees: true | string }
}

/** Characters that a shell would make something of. */
const ODD = ['two words', "it's", '"$HOME"', '`id`', '*', ';exit 9', '-n', '', 'ünï😀', 'a\nb', '\\', '~', '|', '#']

export function machineConformance(name: string, backend: MachineBackend): void {
  let started: Promise<StartedMachine> | undefined
  const machine = async () => (await (started ??= backend.start())).machine
  afterAll(async () => (await started)?.machine.terminate())

  describe(`the machine, ${name}`, () => {
    test('a process: its output apart, and its exit code', async () => {
      const child = await (await machine()).spawn(['sh', '-c', 'echo out; echo err >&2; exit 3'])
      expect(await allOf(child)).toEqual({ stdout: 'out\n', stderr: 'err\n', code: 3, signal: null })
    })

    test('its arguments are touched by no shell', async () => {
      const child = await (await machine()).spawn(['printf', '%s\\0', ...ODD])
      expect((await allOf(child)).stdout).toBe(ODD.map((text) => `${text}\0`).join(''))
    })

    test('its stdin, byte for byte, and its end', async () => {
      const child = await (await machine()).spawn(['cat'])
      const bytes = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => i % 256))
      child.stdin.end(bytes)
      const out = Buffer.concat(await child.stdout.toArray())
      expect(out.equals(bytes)).toBe(true)
      expect(await child.exited).toEqual({ code: 0, signal: null })
    })

    test('it goes on while nobody reads, and nothing of a large output is lost', async () => {
      const child = await (await machine()).spawn(['sh', '-c', 'yes 0123456789 | head -c 20000000'])
      await new Promise((resolve) => setTimeout(resolve, 300))
      let bytes = 0
      for await (const chunk of child.stdout) bytes += (chunk as Buffer).length
      expect(bytes).toBe(20_000_000)
    })

    test('it is ended by kill, and by its signal', async () => {
      const killed = await (await machine()).spawn(['sleep', '1000'])
      killed.kill()
      expect(await within(10, killed.exited)).toMatchObject({ code: null, signal: 'SIGKILL' })
      const stop = new AbortController()
      const stopped = await (await machine()).spawn(['sleep', '1000'], { signal: stop.signal })
      stop.abort()
      expect((await within(10, stopped.exited)).code).not.toBe(0)
    })

    test('one that cannot be started is an error', async () => {
      expect(await codeOf((await machine()).spawn(['/no/such/program']))).toBe('spawn-failed')
    })

    test('files: in and out, missing, too large, outside', async () => {
      const one = await machine()
      for (const bytes of [new Uint8Array(), Uint8Array.from({ length: 256 }, (_, value) => value)]) {
        await one.writeFile('folder/a file', bytes)
        expect(Buffer.compare(await one.readFile('folder/a file'), bytes)).toBe(0)
      }
      expect(await codeOf(one.readFile('folder/none'))).toBe('file-missing')
      expect(await codeOf(one.readFile('folder/a file', { maxBytes: 255 }))).toBe('file-too-large')
      for (const path of ['../file', '/etc/hostname']) {
        expect(await codeOf(one.readFile(path))).toBe('file-outside')
        expect(await codeOf(one.writeFile(path, new Uint8Array()))).toBe('file-outside')
      }
    })

    test('it has what it says that it has', async () => {
      expect(Boolean((await machine()).trees)).toBe(backend.optional.trees === true)
    })

    test('trees: in and out, the same, through no link', async ({ skip }) => {
      if (backend.optional.trees !== true) skip(backend.optional.trees)
      const trees = (await machine()).trees!
      await trees.put('tree', TREE.map(entryOf))
      const found = await Array.fromAsync(trees.take('tree'), toldOf)
      expect(found.toSorted()).toEqual((await Array.fromAsync(TREE.map(entryOf), toldOf)).toSorted())
      expect(await Array.fromAsync(trees.take('tree/folder/program'), toldOf)).toEqual([': true #!/bin/sh'])
      // Each folder comes before what is in it.
      const paths = found.map((text) => text.split(':')[0]!)
      expect(paths.indexOf('folder')).toBeLessThan(paths.indexOf('folder/program'))
      await trees.put('leading', [{ kind: 'link', path: 'out', target: '/etc' }])
      expect(await codeOf(Array.fromAsync(trees.take('leading/out/hostname')))).toBe('file-outside')
      expect(await codeOf(trees.put('leading/out', TREE.map(entryOf)))).toBe('file-outside')
      expect(await codeOf(Array.fromAsync(trees.take('absent')))).toBe('file-missing')
    })

    test('a later process finds it by what the log says, and nothing by anything else', async () => {
      const { attach, machine: first } = await (started ??= backend.start())
      const again = backend.attach(JSON.parse(JSON.stringify(attach)))
      await first.writeFile('mark', Buffer.from('x'))
      expect(Buffer.from(await again!.machine.readFile('mark')).toString()).toBe('x')
      for (const said of [undefined, {}, { id: 1 }]) expect(backend.attach(said)).toBeUndefined()
    })

    test('terminate ends its processes, gives everything back, and may be called again', async () => {
      const before = await backend.remains()
      const one = await backend.start()
      expect(await backend.remains()).not.toEqual(before)
      await one.machine.terminate()
      await one.machine.terminate()
      expect(await backend.remains()).toEqual(before)
    })
  })
}

/** A folder, a link, or a file with its text. */
const TREE: readonly [kind: string, path: string, text?: string][] = [
  ['folder', 'folder'],
  ['file', 'folder/program', '#!/bin/sh'],
  ['folder', 'folder/hollow'],
  ['file', 'naïve 😀', ''],
  ['link', 'link', 'folder/program'],
]

function entryOf([kind, path, text = '']: (typeof TREE)[number]): TreeEntry {
  if (kind === 'folder') return { kind, path }
  if (kind === 'link') return { kind, path, target: text }
  const bytes = Buffer.from(text)
  const isExecutable = text.startsWith('#!')
  return { kind: 'file', path, bytes: bytes.length, isExecutable, read: () => Readable.from([bytes]) }
}

async function toldOf(entry: TreeEntry): Promise<string> {
  if (entry.kind === 'link') return `${entry.path}: -> ${entry.target}`
  if (entry.kind !== 'file') return `${entry.path}: ${entry.kind}`
  const bytes = Buffer.concat(await Array.fromAsync(entry.read()))
  return `${entry.path}: ${entry.isExecutable} ${bytes.toString()}`
}

async function allOf({ stdout, stderr, exited }: MachineProcess) {
  const [out, err] = await Promise.all([stdout.toArray(), stderr.toArray()])
  return { stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString(), ...(await exited) }
}
