import { describe, expect, test } from 'vitest'
import { parseSandboxConfig, type SandboxConfig } from './sandbox-config.ts'

function refusal(config: object): unknown {
  try {
    parseSandboxConfig(config)
  } catch (error) {
    return error
  }
  return 'it was taken'
}

describe('names as Python writes them, and mistyped ones', () => {
  test.each([
    [{ gpu_count: 2 }, 'there is no "gpu_count"; did you mean "gpuCount"?'],
    [{ python_packages: [] }, 'there is no "python_packages"; did you mean "pythonPackages"?'],
    [{ system_packages: [] }, 'there is no "system_packages"; did you mean "systemPackages"?'],
    [{ local_files: [] }, 'there is no "local_files"; did you mean "localFiles"?'],
    [{ local_dirs: [] }, 'there is no "local_dirs"; did you mean "localDirs"?'],
    [{ execution_mode: 'cli' }, 'there is no "execution_mode"; did you mean "executionMode"?'],
    [{ model: [] }, 'there is no "model"; did you mean "models"?'],
    [{ GPU: 'A100' }, 'there is no "GPU"; did you mean "gpu"?'],
    [{ timeOut: 60 }, 'there is no "timeOut"; did you mean "timeout"?'],
    [{ models: [{ name: 'a/b', var_name: 'm' }] }, 'models.0: there is no "var_name"; did you mean "varName"?'],
    [{ models: [{ name: 'a/b', is_peft: true }] }, 'models.0: there is no "is_peft"; did you mean "isPeft"?'],
    [{ models: [{ name: 'a/b', base_model: 'c/d' }] }, 'models.0: there is no "base_model"; did you mean "baseModel"?'],
    [{ repos: [{ url: 'a/b' }, { uri: 'a/b' }] }, 'repos.1: there is no "uri"; did you mean "url"?'],
    [{ repos: [{ url: 'a/b', Install: 'x' }] }, 'repos.0: there is no "Install"; did you mean "install"?'],
    [{ somethingElseEntirely: 1 }, 'there is no "somethingElseEntirely"'],
  ])('%j', (config, words) => {
    expect(refusal(config)).toMatchObject({
      code: 'invalid-options',
      message: expect.stringContaining(words),
      hint: expect.stringContaining('The keys are: gpu, gpuCount, executionMode, models, repos'),
    })
  })
})

describe('a value of the wrong kind names its field', () => {
  test.each([
    [{ gpu: 100 }, 'gpu: '],
    [{ gpu: '' }, 'gpu: '],
    [{ gpu: 'A100', gpuCount: 0 }, 'gpuCount: '],
    [{ gpu: 'A100', gpuCount: 1.5 }, 'gpuCount: '],
    [{ gpu: 'A100', gpuCount: '2' }, 'gpuCount: '],
    [{ executionMode: 'NOTEBOOK' }, 'executionMode: '],
    [{ models: { name: 'a/b' } }, 'models: '],
    [{ models: ['a/b'] }, 'models.0: '],
    [{ models: [{}] }, 'models.0.name: '],
    [{ repos: ['a/b'] }, 'repos.0: '],
    [{ repos: [{}] }, 'repos.0.url: '],
    [{ repos: [{ url: 'a/b', install: false }] }, 'repos.0.install: '],
    [{ repos: [{ url: 'a/b', ref: null }] }, 'repos.0.ref: '],
    [{ pythonPackages: 'torch' }, 'pythonPackages: '],
    [{ pythonPackages: [1] }, 'pythonPackages.0: '],
    [{ python: '' }, 'python: '],
    [{ systemPackages: 'git' }, 'systemPackages: '],
    [{ secrets: { HF_TOKEN: 'x' } }, 'secrets: '],
    [{ timeout: 30 }, 'timeout: is in seconds; at least 60'],
    [{ timeout: 3_600_000 }, 'timeout: is in seconds; at most 7 days'],
    [{ timeout: Number.NaN }, 'timeout: '],
    [{ timeout: '3600' }, 'timeout: '],
    [{ localFiles: { 'a.txt': '/b' } }, 'localFiles: '],
    [{ localFiles: [['a.txt']] }, 'localFiles.0'],
    [{ localFiles: [['a.txt', 'b', 'c']] }, 'localFiles.0'],
    [{ localDirs: ['./data'] }, 'localDirs.0: '],
    [{ env: { A: 1 } }, 'env.A: '],
    [{ env: { A: 'x\0y' } }, 'env.A: holds a zero byte'],
    [{ env: { 'A=B': 'x' } }, 'env.A=B: '],
    [{ env: ['A=1'] }, 'env: '],
    [{ network: 'all' }, 'network: '],
    [{ network: [] }, 'network: '],
    [{ debug: 'yes' }, 'debug: '],
    [{ unconfined: 1 }, 'unconfined: '],
  ])('%j', (config, words) => {
    expect(refusal(config)).toMatchObject({
      code: 'invalid-options',
      message: expect.stringContaining(`Sandbox: ${words}`),
    })
  })

  test('no configuration at all', () => {
    for (const config of [null, [], 'A100'])
      expect(refusal(config as unknown as object)).toMatchObject({ code: 'invalid-options' })
  })
})

describe('what cannot be honoured is refused before anything starts', () => {
  test.each([
    [{ gpuCount: 2 }, 'invalid-options', 'gpuCount: 2'],
    [{ systemPackages: ['ffmpeg'] }, 'capability-missing', 'systemPackages'],
    [{ debug: true }, 'capability-missing', 'debug'],
    [{ unconfined: true, network: ['pypi.org'] }, 'network-needs-wall', 'without a wall'],
    [{ models: [{ name: 'a/b', device: 'cuda' }] }, 'model-device', 'no GPU'],
    [{ gpu: 'A100', models: [{ name: 'a/b', device: 'cuda:1' }] }, 'model-device', 'has 1 of them'],
    [{ repos: [{ url: 'a/x' }, { url: 'b/x' }] }, 'repo-name', 'repos.1'],
    [{ repos: [{ url: 'a/x', dockerfile: 'Dockerfile' }] }, 'capability-missing', 'dockerfile'],
    [{ localFiles: [['package.json', '/etc/passwd']] }, 'local-file-target', '/etc/passwd'],
    [{ localDirs: [['src', '../elsewhere']] }, 'local-file-target', '../elsewhere'],
  ])('%j', (config, code, words) => {
    expect(refusal(config)).toMatchObject({ code, message: expect.stringContaining(words) })
  })

  test('what can be is not', () => {
    const config: SandboxConfig = {
      gpu: 'A100',
      gpuCount: 2,
      models: [{ name: 'a/b', device: 'cuda:1' }],
      executionMode: 'cli',
    }
    expect(parseSandboxConfig(config)).toMatchObject({ gpu: 'A100', gpuCount: 2, executionMode: 'cli', timeout: 3600 })
    expect(parseSandboxConfig({})).toMatchObject({ gpu: null, network: 'none', debug: false, unconfined: false })
  })
})
