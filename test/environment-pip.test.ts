/** The agent's own pip, in real sandboxes: what it installs, where that goes, and what it cannot break. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { findPython } from '../src/environment/find-python.ts'
import { pipConfig, readPipConfig } from '../src/environment/package-index.ts'
import { ensureEnvironment } from '../src/environment/python-environment.ts'
import { runTool as runProgram } from '../src/environment/run-tool.ts'
import { Sandbox } from '../src/environment/sandbox.ts'
import { Run } from '../src/run/run.ts'
import { runTool } from '../src/tools/tool.ts'
import { newFolder, START } from './fixtures/memory-run.ts'
import { makeTinyModels, withPeft } from './fixtures/tiny-models.ts'
import { ownState, startTried, type Tried } from './fixtures/walled.ts'
import { buildWheels, type Wheel } from './fixtures/wheels.ts'

const broken = (name: string): Wheel => ({ name, version: '99.0', module: `raise RuntimeError("the wrong ${name}")\n` })
const wheels: Wheel[] = [
  { name: 'seer_leaf', version: '1.0', module: 'VERSION = 1\n' },
  { name: 'seer_leaf', version: '2.0', module: 'VERSION = 2\n' },
  {
    name: 'seer_tree',
    version: '1.0',
    module: 'import numpy, seer_leaf\ndef main(): print("leaf", seer_leaf.VERSION, numpy.arange(3).sum())\n',
    requires: ['seer-leaf', 'numpy>=2', 'torch'],
    scripts: ['seer-tree = seer_tree:main'],
  },
  // Newer ones of what the environment holds.
  { name: 'cycler', version: '99.0', module: 'MINE = True\n' },
  ...['ipykernel', 'ipython', 'traitlets', 'pyzmq', 'jedi'].map(broken),
]

/** Python for the folder in which they lie. */
const FOLDER = `glob.glob('/workspace/.packages/lib/*/site-packages')[0]`

let root: string
let tiny: string
let links: string
beforeAll(async () => {
  root = ownState()
  links = join(mkdtempSync(join(tmpdir(), 'seer-links-')), 'wheels')
  await buildWheels(links, wheels)
  writeFileSync(join(links, '.env'), 'KEY=hunter2')
  writeFileSync(join(links, 'private.txt'), 'hunter2')
  // With the wheels that this machine has, and not only those of this test.
  await ensureEnvironment()
  mkdirSync((tiny = join(root, 'models')))
  await makeTinyModels((await withPeft()).python, tiny)
  vi.stubEnv('PIP_FIND_LINKS', links)
}, 900_000)
afterAll(() => {
  vi.unstubAllEnvs()
  for (const folder of [root, dirname(links)]) rmSync(folder, { recursive: true, force: true })
})

/** As the agent does it. */
async function restart({ session, run }: Tried): Promise<string> {
  const signal = new AbortController().signal
  const context = { emit: run.emit, by: 'agent:test', signal, storeArtifact: run.storeArtifact } as const
  const { content } = await runTool(session.tools, { id: 'call', name: 'restart_kernel', input: {} }, context)
  return content.map((block) => (block.type === 'text' ? block.text : '')).join('\n')
}

test('commands of the researcher install there too, before there is any kernel, and a snapshot keeps it', async () => {
  const run = Run.create(newFolder(), { ...START, confinement: 'bubblewrap' })
  await using sandbox = await Sandbox.start({}, { run, progress: () => undefined })
  expect(await sandbox.exec('pip install seer-leaf==1')).toContain('Successfully installed seer-leaf-1.0')
  const where = 'import seer_leaf; print(seer_leaf.__file__, seer_leaf.VERSION)'
  const expected = expect.stringMatching(/^\/workspace\/\.packages\/.*seer_leaf\.py 1\n$/)
  expect(await sandbox.execPython(where)).toEqual(expected)
  const snapshot = await sandbox.snapshot('with leaf')
  await using later = await Sandbox.fromSnapshot(snapshot, {}, { run, progress: () => undefined })
  expect(await later.execPython(where)).toEqual(expected)
  expect(await later.exec('pip install seer-leaf==2')).toContain('Successfully installed seer-leaf-2.0')
})

describe('behind the wall, without a network', () => {
  let tried: Tried
  beforeAll(async () => {
    tried = await startTried({ unconfined: false })
  })
  afterAll(() => tried[Symbol.asyncDispose]())

  test('a package of the researcher’s wheels can be imported at once, with what it needs from there and from the environment', async () => {
    await tried.says('import sys; before = set(sys.path)')
    const said = await tried.says('!pip install seer-tree "seer-leaf<2"')
    expect(said).toContain('Successfully installed seer-leaf-1.0 seer-tree-1.0')
    expect(said).toMatch(/already satisfied: torch in \/opt\/environment/)
    expect(await tried.says('import seer_tree; seer_tree.main(); print(seer_tree.__file__)')).toMatch(
      /^leaf 1 3\n\/workspace\/\.packages\/.*seer_tree\.py$/,
    )
    expect(await tried.says('print(set(sys.path) == before)')).toBe('True')
  })

  test('programs find it, too', async () => {
    const ways = ['seer-tree', 'python -c "import seer_tree; seer_tree.main()"']
    for (const way of ways) expect(await tried.says(`!${way}`)).toBe('leaf 1 3')
    const code = 'import subprocess, sys; print(subprocess.run([sys.executable, "-c", "import seer_leaf"]).returncode)'
    expect(await tried.says(code)).toBe('0')
  })

  test('every way to call pip leads to the same place', async () => {
    expect(await tried.says('%pip install seer-leaf==2')).toContain('Successfully installed seer-leaf-2.0')
    const code = '[sys.executable, "-m", "pip", "install", "seer-leaf==1"], capture_output=True, text=True).stdout'
    expect(await tried.says(`print(subprocess.run(${code})`)).toContain('Successfully installed seer-leaf-1.0')
    expect(await tried.says('!/opt/environment/bin/pip uninstall -y seer-leaf')).toContain('Successfully uninstalled')
    expect(await tried.says('!pip3 list --path .packages/lib/*/site-packages')).not.toContain('seer_leaf')
    await tried.says('!pip install seer-leaf==1')
  })

  test('it is there after restart_kernel, which also runs what its path files say', async () => {
    await tried.says(`
import glob
open(${FOLDER} + '/mine.pth', 'w').write('/workspace/elsewhere\\nimport sys; raise ValueError("not this")\\n')
import os; os.makedirs('/workspace/elsewhere', exist_ok=True)
open('/workspace/elsewhere/seer_elsewhere.py', 'w').write('FOUND = True')`)
    expect(await restart(tried)).toContain('started anew')
    expect(await tried.says('import seer_tree, seer_elsewhere; seer_tree.main()')).toBe('leaf 1 3')
  })

  test('a path file that ends whoever reads it does not end the kernel', async () => {
    await tried.says(`import glob; open(${FOLDER} + '/end.pth', 'w').write('import sys; sys.exit("end")')`)
    expect(await restart(tried)).toContain('started anew')
    await tried.says(`import glob, os; os.remove(${FOLDER} + '/end.pth')`)
  })

  test('what there is no wheel of fails at once, in pip’s own words', async () => {
    const startedAt = performance.now()
    const said = await tried.says('!pip install seer-nowhere')
    expect(said).toContain('No matching distribution found for seer-nowhere')
    expect(said).not.toMatch(/Retrying/)
    expect(performance.now() - startedAt).toBeLessThan(15_000)
  })

  test('another version of what the environment has stands before it after a restart, and can be taken back', async () => {
    const version = 'import importlib.metadata, cycler; print(importlib.metadata.version("cycler"), cycler.__file__)'
    const own = await tried.says(version)
    expect(own).toContain('/opt/environment')
    const said = await tried.says('!pip install cycler==99')
    expect(said).toContain('Successfully installed cycler-99.0')
    expect(said).not.toMatch(/read-only|Errno/i)
    await restart(tried)
    expect(await tried.says(version)).toMatch(/^99\.0 \/workspace/)
    await tried.says('!pip uninstall -y cycler')
    await restart(tried)
    expect(await tried.says(version)).toBe(own)
  })

  test('broken packages of the kernel’s own names do not keep it from starting', async () => {
    const names = ['ipykernel', 'ipython', 'traitlets', 'pyzmq', 'jedi']
    expect(await tried.says(`!pip install --no-deps ${names.map((name) => `${name}==99`).join(' ')}`)).toContain(
      'Successfully installed',
    )
    expect(await restart(tried)).toContain('started anew')
    expect(await tried.says('import ipykernel, IPython, traitlets, zmq; print(ipykernel.__file__)')).toMatch(
      /^\/opt\/environment/,
    )
    expect(await tried.says(`!pip uninstall -y ${names.join(' ')}`)).toContain('Successfully uninstalled')
  })

  test('the place is made anew when the agent has removed or ruined it', async () => {
    for (const ruin of [
      'rm -rf /workspace/.packages',
      'rm /workspace/.packages/pyvenv.cfg /workspace/.packages/bin/python; mkfifo /workspace/.packages/pyvenv.cfg',
    ]) {
      await tried.says(`!${ruin}`)
      expect(await restart(tried)).toContain('started anew')
    }
    expect(
      await tried.says('!pip install seer-leaf==2 && python -c "import seer_leaf; print(seer_leaf.VERSION)"'),
    ).toMatch(/\n2$/)
  })

  test('of the folder only the wheels are seen, and nothing says where it lies', async () => {
    expect(await tried.says('!ls -A /opt/packages/0 | grep -v "[.]whl$"; cat /opt/packages/0/.env')).toMatch(
      /^cat: .*No such file/,
    )
    const mounts = await tried.says('!grep /opt/packages/ /proc/self/mountinfo')
    expect(mounts).toContain(' /opt/packages/0 ')
    expect(mounts).not.toContain('seer-links-')
  })

  test('the folder of wheels can be read only, and its name is not told', async () => {
    expect(await tried.says('!touch /opt/packages/0/x; ls /opt/packages/0 | wc -l; echo $PIP_FIND_LINKS')).toMatch(
      new RegExp(`Read-only file system\\n${wheels.length}\\n/opt/packages/0$`),
    )
  })
})

test('a module of the agent’s that hides torch: the set-up says so, and the agent can take it away', async () => {
  await using tried = await startTried(
    { unconfined: false, models: [{ name: join(tiny, 'base') }] },
    { preloadModels: true },
  )
  const place = '.packages/lib/python*/site-packages'
  await tried.says(`!cd ${place} && echo "raise RuntimeError('mine')" > torch.py`)
  expect(await restart(tried)).toMatch(/The set-up cell c\d+ ended with "error".*\.packages.*torch\.py.*mine/s)
  await tried.says(`!rm ${place}/torch.py`)
  expect(await restart(tried)).toContain('started anew')
  expect(await tried.says('import torch; print(torch.__file__); print(model.config.num_hidden_layers)')).toMatch(
    /^\/opt\/environment.*\n2$/,
  )
})

test('without a wall pip does not touch the environment either', async () => {
  const { path } = await ensureEnvironment()
  const version = 'import importlib.metadata; print(importlib.metadata.version("cycler"))'
  const before = await runProgram([join(path, 'bin', 'python'), '-I', '-c', version], { env: process.env })
  await using tried = await startTried({ unconfined: true })
  expect(await tried.says('!pip install --no-index cycler==99')).toContain('Successfully installed cycler-99.0')
  expect(await tried.says('!pip uninstall -y cycler && pip uninstall -y cycler')).toContain('outside environment')
  const after = await runProgram([join(path, 'bin', 'python'), '-I', '-c', version], { env: process.env })
  expect([before.exitCode, after.stdout]).toEqual([0, before.stdout])
})

const everywhere = {
  'dirs1/pip/pip.conf': '[global]\nfind-links = /dirs1\ncert = /dirs1\ntrusted-host = dirs1',
  'dirs2/pip/pip.conf': '[global]\nfind-links = /dirs2',
  'home/.pip/pip.conf': '[global]\ntrusted-host =\n  old1\n  old2\n[install]\nextra-index-url = https://old.test',
  'home/.config/pip/pip.conf':
    '[global]\nfind-links = /user\nextra-index-url = https://user.test\n[list]\ncert = /list',
  own: '[global]\nindex-url = https://own.test\nfind-links = /own',
}

test.each<[string, Record<string, string>]>([
  ['files of the user and of the system', {}],
  ['the environment above them', { PIP_FIND_LINKS: '/environment /second', PIP_NO_INDEX: '1' }],
  ['a file of one’s own, in place of the user’s', { PIP_CONFIG_FILE: '{}/own' }],
  ['a file that is missing', { PIP_CONFIG_FILE: '{}/none' }],
  ['no file at all', { PIP_CONFIG_FILE: '/dev/null', PIP_CERT: '/environment' }],
  ['another folder of the user', { XDG_CONFIG_HOME: '{}/dirs2' }],
])('pip’s settings are read as pip itself reads them: %s', async (_, settings) => {
  const folder = mkdtempSync(join(root, 'settings-'))
  for (const [name, text] of Object.entries(everywhere)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), `${text}\n`)
  }
  const env = {
    PATH: process.env['PATH'],
    HOME: join(folder, 'home'),
    XDG_CONFIG_DIRS: `${folder}/dirs1:${folder}/dirs2`,
    ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, value.replace('{}', folder)])),
  }
  const python = await findPython()
  const listed = await runProgram([python.executable, '-m', 'pip', 'config', 'list'], { env })
  expect(listed.exitCode).toBe(0)
  const asPipSays = new Map<string, string>()
  for (const level of ['global', 'install', ':env:'])
    for (const [, section, name, value] of listed.stdout.matchAll(/^(.+?)\.([a-z-]+)='(.*)'$/gm))
      if (section === level) asPipSays.set(name!, value!.replaceAll('\\n', '\n'))
  expect(asPipSays.size).toBeGreaterThan(0)
  expect(await readPipConfig(python, { env })).toEqual(pipConfig(asPipSays))
})
