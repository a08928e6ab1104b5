import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { buildOnce, cacheRoot, readReady } from './cache.ts'
import { runTool } from './run-tool.ts'

let folder: string
let target: string
const children: ChildProcess[] = []
const schema = z.object({ by: z.string() })

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seer cache é-'))
  target = join(folder, 'thing')
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

/** A process of its own that builds `thing`; it writes its pid to `builds`, and takes `ms` over it. */
function builder(name: string, ms: number): ChildProcess {
  const script = `
    import { buildOnce } from ${JSON.stringify(new URL('./cache.ts', import.meta.url).href)}
    import { appendFile, writeFile } from 'node:fs/promises'
    import { z } from 'zod'
    const { value, built } = await buildOnce(${JSON.stringify(target)}, {
      schema: z.object({ by: z.string() }),
      onWait: (holder) => console.log('waiting for ' + holder),
      build: async (folder) => {
        await appendFile(${JSON.stringify(join(folder, 'builds'))}, '${name}\\n')
        await writeFile(folder + '/half', 'x')
        console.log('building')
        await new Promise((resolve) => setTimeout(resolve, ${ms}))
        await writeFile(folder + '/whole', '${name}')
        return { by: '${name}' }
      },
    })
    console.log(JSON.stringify({ value, built }))
  `
  const args = ['--input-type=module', '-e', script]
  const child = spawn(process.execPath, args, { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  return child
}

async function lines(child: ChildProcess): Promise<string[]> {
  const all: string[] = []
  for await (const line of createInterface({ input: child.stdout! })) all.push(line)
  return all
}

test('the cache lies where SEER_CACHE, XDG_CACHE_HOME or the home say, in this order', () => {
  expect(cacheRoot({ SEER_CACHE: '/a', XDG_CACHE_HOME: '/b', HOME: '/c' })).toBe('/a')
  expect(cacheRoot({ XDG_CACHE_HOME: '/b', HOME: '/c' })).toBe('/b/seer')
  expect(cacheRoot({ HOME: '/c' })).toBe('/c/.cache/seer')
  expect(cacheRoot({})).toBe(join(homedir(), '.cache', 'seer'))
})

test('it is built once, and only what is finished counts', async () => {
  const build = async (inside: string) => {
    await writeFile(join(inside, 'file'), '')
    return { by: 'me' }
  }
  expect(await buildOnce(target, { schema, build })).toEqual({ value: { by: 'me' }, built: true })
  expect(await buildOnce(target, { schema, build })).toEqual({ value: { by: 'me' }, built: false })
  expect(await readdir(folder)).toEqual(['thing'])
  const again = await buildOnce(target, { schema, build, isUsable: async () => false })
  expect(again.built).toBe(true)
})

test('a folder without its mark is not taken for a finished one', async () => {
  await mkdir(target)
  await writeFile(join(target, 'whole'), '')
  expect(await readReady(target, { schema })).toBeUndefined()
  expect((await buildOnce(target, { schema, build: async () => ({ by: 'me' }) })).built).toBe(true)
  expect(await readdir(target)).toEqual(['.seer-ready.json'])
})

test('a build that fails or is stopped leaves nothing', async () => {
  const failing = async (inside: string) => {
    await writeFile(join(inside, 'half'), '')
    throw new Error('broke')
  }
  await expect(buildOnce(target, { schema, build: failing })).rejects.toThrow('broke')
  const controller = new AbortController()
  const stopped = async () => {
    controller.abort()
    return { by: 'me' }
  }
  await expect(buildOnce(target, { schema, build: stopped, signal: controller.signal })).rejects.toThrow('abort')
  expect(await readdir(folder)).toEqual([])
})

test('two processes at once: one builds, the other says that it waits and takes the result', async () => {
  const results = await Promise.all([lines(builder('a', 800)), lines(builder('b', 800))])
  expect((await readFile(join(folder, 'builds'), 'utf8')).trim().split('\n')).toHaveLength(1)
  const [built, waited] = results.sort((one) => (one[0] === 'building' ? -1 : 1))
  expect(built?.at(-1)).toContain('"built":true')
  expect(waited?.[0]).toMatch(/^waiting for process \d+$/)
  expect(waited?.at(-1)).toContain('"built":false')
  expect((await readdir(folder)).sort()).toEqual(['builds', 'thing'])
})

test('a builder killed in the middle is followed by the one that waits, which starts clean', async () => {
  const first = builder('first', 60_000)
  await once(createInterface({ input: first.stdout! }), 'line')
  const second = builder('second', 50)
  const said = createInterface({ input: second.stdout! })
  const heard: string[] = []
  said.on('line', (line) => heard.push(line))
  await once(said, 'line')
  expect(heard[0]).toBe(`waiting for process ${first.pid}`)
  first.kill('SIGKILL')
  await once(second, 'close')
  expect(heard.at(-1)).toContain('"by":"second"')
  expect((await readdir(folder)).sort()).toEqual(['builds', 'thing'])
  expect(await readFile(join(target, 'whole'), 'utf8')).toBe('second')
})

test('a full disk is said to be full, and leaves nothing', async (context) => {
  const small = join(folder, 'small')
  await mkdir(small)
  const mounted = await runTool(['mount', '-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', small], { env: process.env })
  if (mounted.exitCode !== 0) context.skip('this user may not mount a small disk')
  try {
    const build = async (inside: string) => {
      await writeFile(join(inside, 'large'), Buffer.alloc(1 << 20))
      return { by: 'me' }
    }
    const error = await buildOnce(join(small, 'thing'), { schema, build }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'setup-disk-full', message: expect.stringContaining(small) })
    expect(await readdir(small)).toEqual([])
  } finally {
    await runTool(['umount', small], { env: process.env })
  }
})
