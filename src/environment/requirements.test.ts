import { expect, test } from 'vitest'
import { environmentId } from './python-environment.ts'
import { composeRequirements, cudaPackages, packageName, withCpuTorch } from './requirements.ts'

test('names are spelled as the index does', () => {
  expect(packageName('Jupyter_Client==8.10.0; python_version >= "3.11"')).toBe('jupyter-client')
  expect(packageName('a.b[x]>=1')).toBe('a-b')
})

test('every environment holds the base and the tested packages, pinned exactly', async () => {
  const standard = await composeRequirements()
  expect(standard).toEqual(expect.arrayContaining(['nbformat==5.11.1', 'torch==2.13.0', 'safetensors==0.8.0']))
  for (const line of standard) expect(line).toMatch(/^[A-Za-z0-9_-]+==[0-9.]+(; python_version .+)?$/)
})

test('a bare name of a tested package adds nothing, another is added, a version replaces ours', async () => {
  const standard = await composeRequirements()
  expect(await composeRequirements(['torch', 'Transformers'])).toEqual(standard)
  expect(await composeRequirements(['torch', 'peft'])).toEqual([...standard, 'peft'].sort())
  const torch = (await composeRequirements(['torch==2.12.0'])).filter((line) => packageName(line) === 'torch')
  expect(torch).toEqual(['torch==2.12.0'])
})

test('torch from find-links is asked for by the name of its CPU build', () => {
  expect(withCpuTorch(['torch==2.13.0', 'torch==2.13.0+cpu', 'torch==2.13.0; x', 'torchvision==1.0', 'torch'])).toEqual(
    ['torch==2.13.0+cpu', 'torch==2.13.0+cpu', 'torch==2.13.0+cpu; x', 'torchvision==1.0', 'torch'],
  )
})

test('CUDA is recognised', () => {
  expect(cudaPackages(['numpy==1', 'nvidia-cublas==13', 'triton==3', 'cuda-toolkit==1'])).toEqual([
    'nvidia-cublas',
    'triton',
    'cuda-toolkit',
  ])
})

test('the id follows what was asked for and the Python, not the order', async () => {
  const python = { version: '3.11.7', platform: 'linux-x86_64-glibc' }
  const id = environmentId(await composeRequirements(['sae', 'peft']), python)
  expect(id).toMatch(/^[0-9a-f]{16}$/)
  expect(environmentId(await composeRequirements(['peft', 'sae']), python)).toBe(id)
  expect(environmentId(await composeRequirements(['sae']), python)).not.toBe(id)
  expect(environmentId(await composeRequirements(['sae', 'peft']), { ...python, version: '3.11.8' })).not.toBe(id)
})
