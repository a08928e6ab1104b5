import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { resolvePackages, type TorchBuild } from './resolve-packages.ts'

/** A uv that resolves to what it is told to, and writes down how it was asked. */
function uvThatFinds(packages: string) {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'env'))
  const uv = join(folder, 'uv')
  const script = `#!/bin/sh
echo "$@" >> ${folder}/asked
while [ "$1" != --output-file ]; do shift; done
printf '${packages}' > "$2"
`
  writeFileSync(uv, script, { mode: 0o755 })
  const ask = (torch: TorchBuild, hasFindLinks = false) =>
    resolvePackages({
      uv: { path: uv, version: '0' },
      python: 'python',
      requirements: ['torch==2.13.0'],
      folder: join(folder, 'env'),
      env: process.env,
      hasFindLinks,
      torch,
    })
  return ask
}

const CUDA = 'torch==2.13.0\\nnvidia-cublas-cu12==12.8.4.1\\ntriton==3.5.0\\n'

test('for the CPU nothing of CUDA is taken', async () => {
  await expect(uvThatFinds(CUDA)('cpu')).rejects.toMatchObject({
    code: 'setup-failed',
    message: expect.stringContaining('nvidia-cublas-cu12, triton'),
  })
  expect(await uvThatFinds('torch==2.13.0\\n')('cpu')).toMatchObject({ torchArgs: ['--torch-backend=cpu'] })
})

test('for a GPU uv looks for the driver, and CUDA is what was wanted', async () => {
  expect(await uvThatFinds(CUDA)('auto', true)).toMatchObject({
    lines: ['torch==2.13.0', 'nvidia-cublas-cu12==12.8.4.1', 'triton==3.5.0'],
    torchArgs: ['--torch-backend=auto'],
  })
})
