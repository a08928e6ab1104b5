import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import type { Layout } from '../sandbox/backend.ts'

/** A virtual environment in the workspace, made by `python/seer_spawner/layer.py`: the agent's own packages. */
const LAYER = '.packages'

/** The whole environment of a kernel: nothing of the user's own is handed on, so no key can leak into a cell. */
export function kernelEnvironment(
  python: string,
  { workspaceInside: workspace }: Pick<Layout, 'workspaceInside'>,
  extra: Readonly<Record<string, string>>,
): Record<string, string> {
  const layer = join(workspace, LAYER, 'bin')
  return {
    PATH: `${layer}:${dirname(python)}:/usr/local/bin:/usr/bin:/bin`,
    // Whichever pip is called, and by whom: it installs into the workspace, and sees the environment as installed.
    PIP_PYTHON: join(layer, 'python'),
    HOME: workspace,
    LANG: 'C.UTF-8',
    PYTHONUNBUFFERED: '1',
    IPYTHONDIR: join(workspace, '.ipython'),
    MPLCONFIGDIR: join(workspace, '.matplotlib'),
    // Two torch threads that spin beside a busy process make both many times slower.
    OMP_WAIT_POLICY: 'passive',
    OMP_NUM_THREADS: String(Math.max(1, availableParallelism() - 1)),
    TOKENIZERS_PARALLELISM: 'false',
    HF_HUB_OFFLINE: '1',
    TRANSFORMERS_OFFLINE: '1',
    HF_HUB_DISABLE_TELEMETRY: '1',
    ...extra,
  }
}
