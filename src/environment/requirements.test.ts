import { expect, test } from 'vitest'
import { environmentId } from './build-environment.ts'
import { appliesTo, composeRequirements, cudaPackages, packageName, withCpuTorch } from './requirements.ts'

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

test.each([
  ['', 'it is empty'],
  ['numpy=1.0', 'a version needs "=="'],
  ['numpy 1.0', '"1.0" says no version'],
  ['-r other.txt', 'it is an option of pip'],
  ['--index-url=https://x.test', 'it is an option of pip'],
  ['./mine', 'a relative path would lead somewhere else'],
  ['one\n--index-url=https://x.test', 'it has several lines'],
  ['==1.0', 'it does not begin with a name'],
])('%j is no requirement', async (line, why) => {
  await expect(composeRequirements(['pandas', line])).rejects.toMatchObject({
    code: 'setup-packages',
    message: expect.stringContaining(why),
  })
})

test.each([
  'sae_lens',
  'a.b-c[x, y]>=1,<2',
  'a (>=1)',
  'a~=1.0; python_version < "4"',
  'a ===1',
  'a @ https://x.test/a-1.0-py3-none-any.whl',
  '/wheels/a-1.0-py3-none-any.whl',
  'git+https://x.test/a',
])('%s is one', async (line) => expect(await composeRequirements([line])).toContain(line))

test('lines of Seer’s own files that are for another Python are known', () => {
  expect(appliesTo('a==1', '3.10.2')).toBe(true)
  expect(['3.10.2', '3.11.0', '3.9.1'].map((version) => appliesTo('a==1; python_version >= "3.11"', version))).toEqual([
    false,
    true,
    false,
  ])
  expect(appliesTo('a==1; python_version < "3.11"', '3.10.2')).toBe(true)
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
  expect(environmentId(await composeRequirements(['sae', 'peft']), python, 'auto')).not.toBe(id)
})
