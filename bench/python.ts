// node --conditions=seer-source bench/python.ts FILE.py [OPTION…]
// Runs a benchmark in Python in the project's own environment, on the embedded model, with one thread unless OMP_NUM_THREADS says more.
import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { env, execPath, exit } from 'node:process'

const [, , file = '', ...options] = process.argv
const root = join(import.meta.dirname, '..')
const prepared = execFileSync(
  execPath,
  ['--conditions=seer-source', join(root, 'src/environment/cli-prepare.ts'), '--dev'],
  { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
)
const { python, model } = JSON.parse(prepared.trim().split('\n').at(-1) ?? '') as { python: string; model: string }
const { status } = spawnSync(python, [join(import.meta.dirname, file), model, ...options], {
  stdio: 'inherit',
  env: {
    OMP_NUM_THREADS: '1',
    OMP_WAIT_POLICY: 'passive',
    HF_HUB_OFFLINE: '1',
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONPATH: join(root, 'experiments', 'toolkit'),
    ...env,
  },
})
exit(status ?? 1)
