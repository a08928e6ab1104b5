import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { checkAllFit, checkFit } from './memory.ts'
import { configFacts, dtypeOf, loadedBytes, parametersOf, type ModelFiles } from './model-files.ts'
import { readModelFolder } from './model-folder.ts'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'seer-model-'))))
afterEach(() => rmSync(folder, { recursive: true }))

/** A safetensors file of one tensor for each type that is named. */
function safetensors(tensors: Record<string, { dtype: string; shape: number[]; bytes: number }>): Buffer {
  let at = 0
  const header = Object.fromEntries(
    Object.entries(tensors).map(([name, { dtype, shape, bytes }]) => [
      name,
      { dtype, shape, data_offsets: [at, (at += bytes)] },
    ]),
  )
  const text = Buffer.from(JSON.stringify({ ...header, __metadata__: { format: 'pt' } }))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  return Buffer.concat([length, text, Buffer.alloc(at)])
}

const write = (name: string, data: string | Buffer) => writeFileSync(join(folder, name), data)
const weights = () =>
  safetensors({ a: { dtype: 'BF16', shape: [4, 5], bytes: 40 }, b: { dtype: 'F32', shape: [3], bytes: 12 } })

function whole(): void {
  write('config.json', '{"dtype": "bfloat16"}')
  write('tokenizer.json', '{}')
  write('model.safetensors', weights())
}

async function found(kind: 'model' | 'adapter' = 'model'): Promise<ModelFiles> {
  const read = await readModelFolder(folder, kind)
  if (typeof read === 'string') throw new Error(read)
  return read
}

test('a whole model: counted by its headers', async () => {
  whole()
  const files = await found()
  expect(files).toMatchObject({ elements: { BF16: 20, F32: 3 }, config: { quantisation: 'not quantised' } })
  expect([parametersOf(files), dtypeOf(files, 'auto'), dtypeOf(files, 'float32')]).toEqual([23, 'bfloat16', 'float32'])
  expect([loadedBytes(files, 'float32'), loadedBytes(files, 'bfloat16')]).toEqual([92, 46])
})

test('shards are those that the index names, each once', async () => {
  whole()
  rmSync(join(folder, 'model.safetensors'))
  const map = { a: 'model-1.safetensors', b: 'model-2.safetensors', c: 'model-1.safetensors' }
  write('model.safetensors.index.json', JSON.stringify({ weight_map: map }))
  write('model-1.safetensors', weights())
  expect(await readModelFolder(folder, 'model')).toBe('model-2.safetensors is missing')
  write('model-2.safetensors', weights())
  expect((await found()).elements).toEqual({ BF16: 40, F32: 6 })
})

test('safetensors before .bin, which is taken where there is nothing else', async () => {
  whole()
  write('pytorch_model.bin', 'x')
  expect((await found()).weights.map(({ name }) => name)).toEqual(['model.safetensors'])
  rmSync(join(folder, 'model.safetensors'))
  const files = await found()
  expect(files).toMatchObject({ weights: [{ name: 'pytorch_model.bin', bytes: 1 }], elements: undefined })
  expect(dtypeOf(files, 'auto')).toBe('bfloat16')
})

test('an adapter needs no tokenizer', async () => {
  write('adapter_config.json', '{}')
  write('adapter_model.safetensors', weights())
  expect((await found('adapter')).weights).toHaveLength(1)
})

test.each<[string, () => void, RegExp]>([
  ['no config', () => rmSync(join(folder, 'config.json')), /config\.json is missing/],
  ['a torn config', () => write('config.json', '{"a'), /config\.json is missing or no JSON/],
  ['no weights', () => rmSync(join(folder, 'model.safetensors')), /no weights/],
  [
    'weights cut short',
    () => truncateSync(join(folder, 'model.safetensors'), weights().length - 1),
    /has \d+ bytes, and its header says/,
  ],
  ['weights cut in their header', () => truncateSync(join(folder, 'model.safetensors'), 20), /no whole safetensors/],
  [
    'a pointer in place of weights',
    () => write('model.safetensors', 'version https://git-lfs.github.com/spec/v1\n'),
    /no whole safetensors/,
  ],
  [
    'a header of another kind',
    () => write('model.safetensors', Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('[]')])),
    /header/,
  ],
  ['empty weights', () => write('model.safetensors', ''), /is empty/],
  ['no tokenizer', () => rmSync(join(folder, 'tokenizer.json')), /no tokenizer/],
])('not whole: %s', async (_, breakIt, message) => {
  whole()
  breakIt()
  expect(await readModelFolder(folder, 'model')).toMatch(message)
})

test('an index cannot name files outside', async () => {
  whole()
  rmSync(join(folder, 'model.safetensors'))
  write('model.safetensors.index.json', JSON.stringify({ weight_map: { a: '../model.safetensors' } }))
  expect(await readModelFolder(folder, 'model')).toMatch(/is no index of weights/)
})

test.each([
  [{ quantization_config: { quant_method: 'gptq', bits: 4 } }, 'gptq, 4 bits'],
  [{ quantization_config: { quant_method: 'bitsandbytes', load_in_4bit: true } }, 'bitsandbytes, 4 bits'],
  [{ torch_dtype: 'float16' }, 'not quantised'],
  ['no object', 'not quantised'],
])('what a config says of quantisation: %j', (config, expected) => {
  expect(configFacts(config).quantisation).toBe(expected)
})

test('quantised weights are left as they are stored', () => {
  const files = { weights: [], elements: { I32: 100, F16: 10 }, config: configFacts({ quantization_config: {} }) }
  expect(dtypeOf(files, 'auto')).toBe('auto')
  expect(loadedBytes(files, 'auto')).toBe(420)
})

test('too big is refused with the numbers', () => {
  const load = { name: 'google/gemma-3-27b-it', bytes: 54.9e9, dtype: 'bfloat16', parameters: 27.4e9 }
  const refused = () => checkFit([load], 20e9, 24e9)
  expect(refused).toThrow(
    /gemma-3-27b-it takes about 54\.9 GB \(27\.4 billion weights in bfloat16\).*1\.2 GB.*20\.0 GB.*24\.0 GB/,
  )
  expect(() => checkFit([{ ...load, bytes: 15e9 }], 20e9, 24e9)).not.toThrow()
  expect(() =>
    checkFit(
      [
        { ...load, bytes: 15e9 },
        { ...load, name: 'b', bytes: 4e9 },
      ],
      20e9,
      24e9,
    ),
  ).toThrow(/b takes about 4\.0 GB/)
  expect(() => checkFit([], 1, 1)).not.toThrow()
})

test('on GPUs it is their memory that counts, but for what is to be on the CPU', () => {
  const load = { name: 'org/big', bytes: 30e9, dtype: 'bfloat16', parameters: 15e9 }
  const tooBig = {
    code: 'model-too-big',
    message: expect.stringMatching(/org\/big takes about 30.0 GB.*24.0 GB.*on the GPUs/),
  }
  expect(() => checkAllFit([{ ...load, device: 'auto' }], 24e9)).toThrow(expect.objectContaining(tooBig))
  expect(() => checkAllFit([{ ...load, device: 'cuda:0' }], 48e9)).not.toThrow()
  expect(() => checkAllFit([{ ...load, device: 'cuda:0' }], 0)).not.toThrow()
  expect(() => checkAllFit([{ ...load, bytes: 1e15, device: 'cpu' }], 48e9)).toThrow(/free of this machine/)
})
