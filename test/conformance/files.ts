/** Files go in and come out byte for byte, under any name, and never through a link. */
import { describe, expect } from 'vitest'
import { codeOf } from './started.ts'
import type { Suite } from './suite.ts'

const everyByte = Uint8Array.from({ length: 256 }, (_, value) => value)
const large = Uint8Array.from({ length: 5 * 1024 ** 2 }, (_, i) => (i * 31 + (i >> 8)) % 256)

const CONTENTS: [string, Uint8Array][] = [
  ['nothing', new Uint8Array()],
  ['every value of a byte', everyByte],
  ['5 MB', large],
]

const NAMES = [
  'a b.txt',
  'ünï–😀.txt',
  'two\nlines',
  '-rf',
  'quote\'d "$HOME" `x`',
  'deep/er/est/file',
  '.hidden',
  'x'.repeat(255),
]

const OUTSIDE = ['../file', 'folder/../../file', '/etc/hostname', '/']

export function files(suite: Suite): void {
  const check = suite.checks()
  const one = suite.shared()

  describe('files', () => {
    for (const [what, bytes] of CONTENTS) {
      check(`${what}: in and out, and the same inside`, async () => {
        const { sandbox, says } = await one()
        await sandbox.writeFile('content', bytes)
        const sum = await says(`import hashlib\nprint(hashlib.sha256(open('content', 'rb').read()).hexdigest())`)
        expect(sum).toBe(Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(bytes))).toString('hex'))
        expect(Buffer.compare(await sandbox.readFile('content'), bytes)).toBe(0)
      })
    }

    check('text is UTF-8', async () => {
      const { sandbox, says } = await one()
      await sandbox.writeFile('text', 'naïve 😀\r\n')
      expect(await says(`print(open('text', 'rb').read())`)).toBe(String.raw`b'na\xc3\xafve \xf0\x9f\x98\x80\r\n'`)
    })

    check('any name', async () => {
      const { sandbox, says } = await one()
      for (const name of NAMES) {
        await sandbox.writeFile(`names/${name}`, name)
        expect(Buffer.from(await sandbox.readFile(`names/${name}`)).toString()).toBe(name)
      }
      const inside = `import json, os\nprint(json.dumps(sorted(os.listdir('names')), ensure_ascii=True))`
      expect(JSON.parse(await says(inside))).toEqual(NAMES.map((name) => name.split('/')[0]!).sort())
    })

    check('a path from the root is one inside, as the agent’s code names it', async () => {
      const { sandbox } = await one()
      await sandbox.writeFile(`${sandbox.workspacePath}/absolute`, 'x')
      expect(Buffer.from(await sandbox.readFile('absolute')).toString()).toBe('x')
    })

    check('a file that is there is replaced whole', async () => {
      const { sandbox } = await one()
      await sandbox.writeFile('again', 'a long text')
      await sandbox.writeFile('again', 'short')
      expect(Buffer.from(await sandbox.readFile('again')).toString()).toBe('short')
    })

    check('what the agent’s code wrote is read, and it may change what was written', async () => {
      const { sandbox, says } = await one()
      await sandbox.writeFile('shared/theirs', 'before')
      await says(`open('shared/theirs', 'w').write('after'); open('shared/own', 'w').write('own')`)
      for (const [path, text] of [
        ['shared/theirs', 'after'],
        ['shared/own', 'own'],
      ] as const)
        expect(Buffer.from(await sandbox.readFile(path)).toString()).toBe(text)
    })

    check('what is missing, no plain file, or too large', async () => {
      const { sandbox, says } = await one()
      await says(`import os\nos.makedirs('folder', exist_ok=True); os.mkfifo('pipe')`)
      for (const path of ['missing', 'no/such/file', 'folder', 'pipe'])
        expect([path, await codeOf(sandbox.readFile(path))]).toEqual([path, 'file-missing'])
      await sandbox.writeFile('eleven', 'eleven byte')
      expect(await codeOf(sandbox.readFile('eleven', { maxBytes: 10 }))).toBe('file-too-large')
      expect(await sandbox.readFile('eleven', { maxBytes: 11 })).toHaveLength(11)
    })

    check('nothing outside the workspace', async () => {
      const { sandbox } = await one()
      for (const path of OUTSIDE) {
        expect([path, await codeOf(sandbox.readFile(path))]).toEqual([path, 'file-outside'])
        expect([path, await codeOf(sandbox.writeFile(path, 'x'))]).toEqual([path, 'file-outside'])
      }
    })

    check('no link is followed, in or out', async () => {
      const { sandbox, says } = await one()
      await says(`import os
os.symlink('/etc/hostname', 'link'); os.symlink('/etc', 'way'); os.symlink('absent', 'dangling')`)
      for (const path of ['link', 'way/hostname', 'dangling'])
        expect([path, await codeOf(sandbox.readFile(path))]).toEqual([
          path,
          expect.stringMatching(/^file-(missing|outside)$/),
        ])
      expect(await codeOf(sandbox.writeFile('way/seer-test', 'x'))).toBe('file-outside')
      // A link itself is replaced, and what it led to stays as it is.
      await sandbox.writeFile('dangling', 'now a file')
      expect(await says(`import os\nprint(os.path.islink('dangling'), os.path.exists('absent'))`)).toBe('False False')
    })
  })
}
