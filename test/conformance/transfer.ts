/** Whole trees between the researcher's disk and the sandbox: what goes in comes out the same, and only plain files do. */
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { codeOf } from './started.ts'
import type { Suite } from './suite.ts'

const FILES: Readonly<Record<string, Uint8Array>> = {
  empty: new Uint8Array(),
  'every byte': Uint8Array.from({ length: 256 }, (_, value) => value),
  'deep/er/ünï 😀': Buffer.from('text'),
  large: Uint8Array.from({ length: 3 * 1024 ** 2 }, (_, i) => (i * 7 + (i >> 9)) % 256),
}

export function transfer(suite: Suite): void {
  const check = suite.checks('trees')
  const one = suite.shared()
  let here: string

  describe('files of the researcher', () => {
    beforeAll(() => {
      here = mkdtempSync(join(tmpdir(), 'seer-transfer-'))
      for (const [path, bytes] of Object.entries(FILES)) {
        mkdirSync(join(here, 'tree', path, '..'), { recursive: true })
        writeFileSync(join(here, 'tree', path), bytes)
      }
      mkdirSync(join(here, 'tree/hollow'))
      writeFileSync(join(here, 'tree/program'), '#!/bin/sh\necho it runs\n')
      chmodSync(join(here, 'tree/program'), 0o755)
    })
    afterAll(() => rmSync(here, { recursive: true, force: true }))

    check('a folder goes in and comes out the same', async () => {
      const { sandbox } = await one()
      await sandbox.upload(join(here, 'tree'), 'given')
      expect(await sandbox.exec(['given/program'])).toBe('it runs\n')
      const { skipped } = await sandbox.download('given', join(here, 'back'))
      expect([contentOf(join(here, 'back')), skipped]).toEqual([contentOf(join(here, 'tree')), []])
      expect(statSync(join(here, 'back/program')).mode & 0o100).toBe(0o100)
    })

    check('a file goes in and comes out the same', async () => {
      const { sandbox } = await one()
      await sandbox.upload(join(here, 'tree/every byte'), 'some/where/file')
      await sandbox.download('some/where/file', join(here, 'file'))
      expect(Buffer.compare(readFileSync(join(here, 'file')), FILES['every byte']!)).toBe(0)
    })

    check('what is not there, or is there already', async () => {
      const { sandbox } = await one()
      await sandbox.writeFile('there', 'x')
      await sandbox.ensureDir('folder/of/mine')
      expect(await codeOf(sandbox.download('absent', join(here, 'absent')))).toBe('file-missing')
      expect(existsSync(join(here, 'absent'))).toBe(false)
      expect(await codeOf(sandbox.download('folder', join(here, 'tree')))).toBe('download-exists')
      expect(await codeOf(sandbox.upload(join(here, 'tree'), '../out'))).toBe('file-outside')
      expect(await codeOf(sandbox.download('../..', join(here, 'outside')))).toBe('file-outside')
    })

    check('no link of the agent’s leads out of the sandbox, in either direction', async () => {
      const { sandbox, says } = await one()
      await says(`import os
os.makedirs('trap'); os.symlink('/etc', 'trap/way'); os.symlink('/etc/hostname', 'trap/one'); open('trap/plain', 'w').write('x')
os.symlink('/etc', 'lead')`)
      const { files, skipped } = await sandbox.download('trap', join(here, 'trap'))
      expect([files, readdirSync(join(here, 'trap'))]).toEqual([1, ['plain']])
      expect(skipped.map(({ path }) => path).sort()).toEqual(['one', 'way'])
      expect(await codeOf(sandbox.download('lead/hostname', join(here, 'hostname')))).toBe('file-outside')
      expect(await codeOf(sandbox.upload(join(here, 'tree/empty'), 'lead/seer-test'))).toBe('file-outside')
    })

    check('a link of the researcher’s that leads out of the folder is refused, and nothing is copied', async () => {
      const { sandbox } = await one()
      mkdirSync(join(here, 'linked'))
      symlinkSync('/etc/hostname', join(here, 'linked/out'))
      expect(await codeOf(sandbox.upload(join(here, 'linked'), 'linked'))).toMatch(/^local-file-/)
    })

    check('named in the configuration they are there before anything runs', async () => {
      await using given = await suite.start({
        localFiles: [[join(here, 'tree/every byte'), 'data/bytes']],
        localDirs: [[join(here, 'tree'), '/workspace/tree']],
      })
      const found = `import os\nprint(len(open('data/bytes', 'rb').read()), sorted(os.listdir('tree')))`
      expect(await given.says(found)).toBe(`256 ['deep', 'empty', 'every byte', 'hollow', 'large', 'program']`)
    })

    check('one that is not there is an error that names it, and nothing is started', async () => {
      const before = await suite.remains()
      await using made = suite.make({ localFiles: [[join(here, 'absent'), 'absent']] })
      await expect(made.sandbox.start()).rejects.toMatchObject({
        code: expect.stringMatching(/^local-file-/),
        message: expect.stringContaining(join(here, 'absent')),
      })
      expect(await suite.remains()).toEqual(before)
    })
  })
}

/** Paths, kinds and hashes. */
function contentOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name)
      const what = entry.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : 'folder'
      return `${path.slice(folder.length + 1)}: ${what}`
    })
    .sort()
}
