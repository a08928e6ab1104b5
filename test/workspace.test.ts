/** Workspaces in real sandboxes: what a kernel finds of libraries, skills and files, and what the run keeps of them. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Sandbox } from '../src/environment/sandbox.ts'
import type { EventOf } from '../src/run/events.ts'
import { readEvents } from '../src/run/log-reader.ts'
import { Run } from '../src/run/run.ts'
import { createNotebookSession, type NotebookSession } from '../src/session/notebook-session.ts'
import { runTool } from '../src/tools/tool.ts'
import { Library } from '../src/workspace/library.ts'
import { Skill } from '../src/workspace/skill.ts'
import { Workspace } from '../src/workspace/workspace.ts'
import { newFolder, START } from './fixtures/memory-run.ts'
import { killAll, processesOf } from './fixtures/processes.ts'
import { ownState } from './fixtures/walled.ts'

const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, i) => i)
const INSTRUCTIONS = 'Grüße, 😀:\r\n"quotes", \\ and \t tabs.\n'
const SKILL = `---\nname: far-places\ndescription: >\n  Where they\n  lie.\n---\n\n${INSTRUCTIONS}`
const FILES: Record<string, string | Uint8Array> = {
  'cities/__init__.py': '"""Where they lie."""\nfrom .read import table\n',
  'cities/read.py':
    'from pathlib import Path\ndef table(): return list((Path(__file__).parent / "data/t.bin").read_bytes())\n',
  'cities/data/t.bin': EVERY_BYTE,
  'skills/far-places/SKILL.md': SKILL,
  'skills/far-places/atlas.py':
    'from pathlib import Path\nTEXT = (Path(__file__).parent / "assets/map é.csv").read_text()\n',
  'skills/far-places/random.py': 'raise SystemExit("the wrong one")\n',
  'skills/far-places/assets/map é.csv': 'a,b\n',
  'helpers.py': 'BASE = 40\n\ndef plus(x):\n    """Adds """ """to the base."""\n    return BASE + x\n',
  'data/deep/a.bin': EVERY_BYTE,
  'notes.txt': 'noted',
}

let root: string
let folder: string
beforeAll(() => {
  root = ownState()
  folder = newFolder()
  for (const [path, content] of Object.entries(FILES)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
})
afterAll(async () => {
  await killAll(() => processesOf(root))
  rmSync(root, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

const sha256 = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex')

async function says(session: NotebookSession, code: string): Promise<string> {
  const { status, text } = await session.exec(code)
  if (status !== 'ok') throw new Error(`the cell ended with ${status}: ${text}`)
  return text.trim()
}

describe.each([{ unconfined: false }, { unconfined: true }])('%j', ({ unconfined }) => {
  let run: Run
  let sandbox: Sandbox
  let session: NotebookSession
  let workspace: Workspace
  beforeAll(async () => {
    workspace = new Workspace({
      libraries: [Library.fromDirectory(join(folder, 'cities')), Library.fromCode('lamps', 'count = 3\n')],
      skills: [
        Skill.fromFunction(join(folder, 'helpers.py'), 'plus'),
        Skill.fromSource('say-hi', 'Says: "hi".', 'def hi(): return "hi"\n'),
        Skill.builtIn('research-method'),
      ],
      skillDirs: [join(folder, 'skills')],
      localFiles: [[join(folder, 'notes.txt'), '/workspace/data/notes.txt']],
      localDirs: [[join(folder, 'data'), 'data']],
      customInitCode: 'import cities, atlas\nfound = len(cities.table())',
    })
    run = Run.create(newFolder(), { ...START, confinement: unconfined ? 'none' : 'bubblewrap' })
    sandbox = await Sandbox.start({ unconfined }, { run, progress: () => undefined })
    session = await createNotebookSession(sandbox, workspace)
  })
  afterAll(async () => {
    await sandbox.terminate()
    await run.end('completed')
  })

  test('a package is imported, with its data', async () => {
    expect(await says(session, 'print(found, cities.table() == list(range(256)), cities.__doc__)')).toBe(
      '256 True Where they lie.',
    )
  })

  test('the prompt names each skill, and a cell reads one as the prompt says', async () => {
    const line = '- far-places: Where they lie. (It brings Python that can be imported: `atlas`.)'
    expect(session.modelInfoText.split('\n')).toEqual(
      expect.arrayContaining([line, '- plus: Adds to the base. (It brings Python that can be imported: `helpers`.)']),
    )
    expect(session.modelInfoText).not.toContain(root)
    const how = /`(print\(open\(.*?\)\.read\(\)\))`/.exec(session.modelInfoText)![1]!
    expect(await says(session, how.replace('NAME', 'far-places'))).toBe(SKILL.replaceAll('\r\n', '\n').trim())
  })

  test('all files of a skill, byte for byte, where agents look for them', async () => {
    const code = `import hashlib, json, os
found = {}
for folder, _, names in os.walk('.claude/skills'):
    for name in names:
        path = os.path.join(folder, name)
        if '__pycache__' not in path: found[os.path.relpath(path, '.claude/skills')] = hashlib.sha256(open(path, 'rb').read()).hexdigest()
print(json.dumps(found))`
    const wanted = workspace.skills.flatMap(({ name, files }) =>
      files.map(({ path, bytes }) => [`${name}/${path}`, sha256(bytes)] as const),
    )
    expect(wanted).toHaveLength(9)
    expect(JSON.parse(await says(session, code))).toEqual(Object.fromEntries(wanted))
  })

  test('the Python of skills is imported, from where its files lie, and hides nothing', async () => {
    const code = `import random, helpers, say_hi, sys
from helpers import plus
print(atlas.TEXT.strip(), plus(2), say_hi.hi(), random.randint(7, 7), 'sys' in dir())`
    expect(await says(session, code)).toBe('a,b 42 hi 7 True')
  })

  test('the set-up leaves no names of its own, and is as good after a restart', async () => {
    const context = { emit: run.emit, by: 'agent:a', signal: run.signal, storeArtifact: () => '' } as const
    await runTool(session.tools, { id: 'call', name: 'restart_kernel', input: {} }, context)
    const code = `names = [name for name in dir() if not name.startswith('_')]
import say_hi
print('sys' in names, 'folder' in names, found, atlas.TEXT.strip(), say_hi.hi())`
    expect(await says(session, code)).toBe('False False 256 a,b hi')
  })

  test('files and folders lie where they were asked for', async () => {
    const code = `print(open('data/notes.txt').read(), list(open('data/deep/a.bin', 'rb').read()) == list(range(256)))`
    expect(await says(session, code)).toBe('noted True')
  })

  test('the run keeps what was given, by its hash', async () => {
    const { events } = await readEvents(join(run.folder, 'events.jsonl'))
    const start = events.find((event): event is EventOf<'session-start'> => event.type === 'session-start')!
    const facts = ({ name, sha256 }: Library | Skill) => ({ name, sha256 })
    expect(start.libraries).toEqual(workspace.libraries.map(facts))
    expect(start.skills).toEqual(workspace.skills.map(facts))
    expect(run.summary.skills).toEqual(start.skills)
    const kept = (path: string) => readFileSync(join(run.folder, 'source', path))
    expect([...kept('libraries/cities/data/t.bin')]).toEqual([...EVERY_BYTE])
    expect(kept('libraries/lamps.py').toString()).toBe('count = 3\n')
    expect(kept('skills/far-places/SKILL.md').toString()).toBe(SKILL)
    expect(JSON.parse(kept('local-files.json').toString())).toMatchObject([
      {
        from: join(folder, 'data'),
        to: 'data',
        files: 1,
        bytes: 256,
        sha256: sha256(`${sha256(EVERY_BYTE)}  deep/a.bin\n`),
      },
      { from: join(folder, 'notes.txt'), to: '/workspace/data/notes.txt', sha256: sha256('noted') },
    ])
  })

  test('another library of the same name, in a later session, does not take the place of the first one', async () => {
    const other = Library.fromCode('lamps', 'count = 4\n')
    const again = await createNotebookSession(sandbox, new Workspace({ libraries: [other, workspace.libraries[0]!] }))
    expect(await says(again, 'import lamps\nprint(lamps.count)')).toBe('4')
    const kept = (path: string) => readFileSync(join(run.folder, 'source/libraries', path), 'utf8')
    expect([kept('lamps.py'), kept(`${other.sha256.slice(0, 12)}/lamps.py`)]).toEqual(['count = 3\n', 'count = 4\n'])
    expect(existsSync(join(run.folder, 'source/libraries', other.sha256.slice(0, 12), 'cities'))).toBe(false)
  })

  test('a file that has gone since is an error, and no session', async () => {
    const path = join(folder, `gone-${unconfined}`)
    writeFileSync(path, '')
    const late = new Workspace({ localFiles: [[path, 'gone.txt']] })
    rmSync(path)
    await expect(createNotebookSession(sandbox, late)).rejects.toMatchObject({ code: 'local-file-missing' })
  })
})
