/** A disk that is full while a run writes: on a real small file system, and at a real limit of the file's size. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { temporaryFolder } from './temporary-folder.ts'
import { SeerError } from '../src/errors.ts'
import { readEvents } from '../src/run/log-reader.ts'
import { openLogWriter } from '../src/run/log-writer.ts'
import { openNotebookWriter } from '../src/run/notebook-writer.ts'

const mounted: string[] = []
afterAll(() => {
  for (const folder of mounted) {
    execFileSync('umount', ['-l', folder])
    rmdirSync(folder)
  }
})

function mountSmallDisk(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'seer-small-disk-'))
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', folder])
  if (status !== 0) {
    rmdirSync(folder)
    return undefined
  }
  mounted.push(folder)
  return folder
}

const print = (text: string) =>
  ({
    type: 'cell-output',
    by: 'agent:main',
    session: 's',
    cell: 'c1',
    output: { output_type: 'stream', name: 'stdout', text },
  }) as const
const disk = mountSmallDisk()

test.skipIf(disk === undefined)(
  'a full disk: what was written is kept, and the run can say how it ended (needs the right to mount)',
  async () => {
    const path = join(disk!, 'events.jsonl')
    const log = openLogWriter(path, { run: 'r' })
    const notebook = openNotebookWriter(join(disk!, 'notebook.ipynb'), { readBlob: () => new Uint8Array() })
    let failure: unknown
    let written = 0
    try {
      for (; written < 10_000; written++) notebook.push(log.append(print(`${'x'.repeat(1000)}\n`)))
    } catch (error) {
      failure = error
    }
    expect(failure).toBeInstanceOf(SeerError)
    expect(failure).toMatchObject({ code: 'log-write-failed', endsRun: true })
    expect(written).toBeGreaterThan(100)
    const before = await readEvents(path)
    expect(before.problems).toEqual([])
    expect(before.events).toHaveLength(written)

    // Somebody else takes what little is left: only the reserve can make room now.
    const fill = () => {
      for (let i = 0; ; i++) writeFileSync(join(disk!, `filler-${i}`), Buffer.alloc(4096))
    }
    expect(fill).toThrow(/ENOSPC/)
    expect(existsSync(join(disk!, '.events.reserve'))).toBe(true)
    const last = log.append({
      type: 'run-end',
      by: 'system',
      status: 'failed',
      durationMs: 1,
      error: { code: 'log-write-failed', message: 'full '.repeat(2000) },
    })
    log.close()
    const after = await readEvents(path)
    expect(after.problems).toEqual([])
    expect(after.events.at(-1)).toEqual(last)
    expect(after.events).toHaveLength(written + 1)

    // The notebook has no room left, and says so; the log has everything.
    await expect(notebook.close()).rejects.toMatchObject({ code: 'notebook-write-failed' })
  },
)

test('a limit of the file size: the line in hand is taken back', async () => {
  const folder = temporaryFolder('seer-limit-')
  const script = `
    import { openLogWriter } from ${JSON.stringify(new URL('../src/run/log-writer.ts', import.meta.url).href)}
    const log = openLogWriter(process.argv[1], { run: 'r' })
    let code
    try { for (;;) log.append({ type: 'notice-add', by: 'system', level: 'info', code: 'test', text: 'x'.repeat(1000) }) }
    catch (error) { code = error.code }
    console.log(code, log.lastSeq)`
  const path = join(folder, 'events.jsonl')
  const command = 'ulimit -f 200; exec "$0" --input-type=module -e "$1" "$2"'
  const { stdout, stderr } = spawnSync('bash', ['-c', command, process.execPath, script, path], { encoding: 'utf8' })
  expect(stderr).toBe('')
  const [code, lastSeq] = stdout.trim().split(' ')
  expect(code).toBe('log-write-failed')
  const { events, problems } = await readEvents(path)
  expect(problems).toEqual([])
  expect(events.length).toBe(Number(lastSeq))
  expect(events.length).toBeGreaterThan(50)
})
