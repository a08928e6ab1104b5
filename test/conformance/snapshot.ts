/** A snapshot brings the files back into another sandbox, byte for byte, and says what it does not bring back. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect } from 'vitest'
import { Sandbox } from '../../src/environment/sandbox.ts'
import type { Snapshot } from '../../src/environment/snapshot/snapshot.ts'
import { createNotebookSession } from '../../src/session/notebook-session.ts'
import { Workspace } from '../../src/workspace/workspace.ts'
import { codeOf } from './started.ts'
import type { Suite } from './suite.ts'

const MAKE = `import os
os.makedirs('folder/hollow'); open('folder/text', 'w').write('naïve'); open('empty', 'w').close()
open('every byte', 'wb').write(bytes(range(256)))
open('program', 'w').write('#!/bin/sh\\necho it runs\\n'); os.chmod('program', 0o755)
os.symlink('folder/text', 'link')
value = 41`
const LOOK = `import os
print(sorted(name for name in os.listdir('.') if name[0] != '.'), os.listdir('folder/hollow'), open('link').read(), os.readlink('link'),
      open('every byte', 'rb').read() == bytes(range(256)), os.path.getsize('empty'))`

export function snapshot(suite: Suite): void {
  const check = suite.checks('snapshot', 'trees')
  let kept: Promise<Snapshot> | undefined
  const snapshotOfOne = () => (kept ??= takeOne(suite))
  const from = (which: string | Snapshot) =>
    suite.startBy((config, options) => Sandbox.fromSnapshot(which, config, options))
  afterAll(async () => {
    const made = await kept?.catch(() => undefined)
    if (made) rmSync(made.path, { recursive: true })
  })

  describe('a snapshot', () => {
    check('brings back the files, and no variables', async () => {
      await using next = await from(await snapshotOfOne())
      const names = `['empty', 'every byte', 'folder', 'libraries', 'link', 'program']`
      expect(await next.says(LOOK)).toMatch(new RegExp(`^${escaped(names)} \\[\\] naïve folder/text True 0$`))
      expect(await next.sandbox.exec(['./program'])).toBe('it runs\n')
      expect(await next.says(`print('value' in globals())`)).toBe('False')
    })

    suite.checks(
      'snapshot',
      'trees',
      'confined',
    )('does not bring back /tmp', async () => {
      await using one = await suite.start()
      await one.sandbox.exec('touch /tmp/of-the-first')
      const made = await one.sandbox.snapshot('without /tmp')
      await using next = await from(made)
      rmSync(made.path, { recursive: true })
      expect(await next.sandbox.exec('ls -A /tmp')).not.toContain('of-the-first')
    })

    check('is found by its id and by its name, and says what it is', async () => {
      const made = await snapshotOfOne()
      expect(made).toMatchObject({ name: 'after set-up', files: 4, skipped: [] })
      for (const which of [made.id, made.name]) {
        await using next = await from(which)
        expect(Buffer.from(await next.sandbox.readFile('folder/text')).toString()).toBe('naïve')
        expect((await next.log()).of('sandbox-start')).toMatchObject([{ snapshot: made.id }])
      }
    })

    check('has the cells whose variables a session can make again, and not those that failed', async () => {
      const made = await snapshotOfOne()
      expect(made.replay.map(({ code }) => code)).toEqual([MAKE, 'value += 1'])
      await using next = await from(made)
      const replay = (options: object) => createNotebookSession(next.sandbox, new Workspace(), options)
      // The first of them makes what is there already.
      expect(await codeOf(replay({ replay: true }))).toBe('replay-failed')
      await next.sandbox.exec('rm -r folder link')
      const session = await replay({ replay: true })
      expect(await session.exec('print(value)')).toMatchObject({ status: 'ok', text: expect.stringMatching(/^42/) })
    })

    check('is whole or refused: a byte that is another one is noticed before anything starts', async () => {
      const before = await suite.remains()
      await using one = await suite.start()
      await one.sandbox.writeFile('file', 'as it was')
      const made = await one.sandbox.snapshot('to be damaged')
      await one.sandbox.terminate()
      try {
        for (const name of readdirSync(join(made.path, 'blobs')))
          writeFileSync(join(made.path, 'blobs', name), 'as it is!')
        expect(await codeOf(from(made))).toBe('snapshot-damaged')
      } finally {
        rmSync(made.path, { recursive: true })
      }
      expect(await codeOf(from(made.id))).toBe('snapshot-unknown')
      expect(await suite.remains()).toEqual(before)
    })

    check('takes no link for what it leads to', async () => {
      await using one = await suite.start()
      await one.says(`import os\nos.symlink('/etc/hostname', 'out'); os.mkfifo('pipe')`)
      const made = await one.sandbox.snapshot('links')
      try {
        expect([made.files, made.skipped.map(({ path }) => path)]).toEqual([0, ['pipe']])
      } finally {
        rmSync(made.path, { recursive: true })
      }
    })

    check('of a sandbox while a cell runs', async () => {
      await using one = await suite.start()
      const session = await one.session()
      const waiting = session.exec('import time\nopen("made", "w").write("x")\ntime.sleep(3)\nprint("still here")')
      await expect.poll(() => codeOf(one.sandbox.readFile('made'))).toBe('none')
      const made = await one.sandbox.snapshot('meanwhile')
      rmSync(made.path, { recursive: true })
      expect(made.files).toBe(1)
      expect(await waiting).toMatchObject({ status: 'ok', text: expect.stringContaining('still here') })
    })
  })
}

async function takeOne(suite: Suite): Promise<Snapshot> {
  await using one = await suite.start()
  await one.says(MAKE)
  await (await one.session()).exec('1 / 0')
  await one.says('value += 1')
  return await one.sandbox.snapshot('after set-up')
}

function escaped(text: string): string {
  return text.replaceAll(/[[\]]/g, String.raw`\$&`)
}
