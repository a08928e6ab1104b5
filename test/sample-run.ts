/**
 * Writes a run folder without a kernel or a model: every kind of event, by the real writer. To look at what Seer shows:
 *
 *     node --conditions=seer-source test/sample-run.ts /tmp/outputs && ./seer show latest --output-dir /tmp/outputs
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import type { By, EventInput, RunEvent } from '../src/run/events.ts'
import { newRunFolder } from '../src/run/paths.ts'
import { Run, type RunStart } from '../src/run/run.ts'
import { SEER_VERSION } from '../src/run/version.ts'
import { eventMakers, type Output } from './event-makers.ts'

export interface SampleOptions {
  readonly experiment?: string
  /** `null`: the run is left open, and its lock held. */
  readonly status?: 'completed' | 'failed' | null
  readonly recorded?: boolean
  readonly onEvent?: (event: RunEvent) => void
}

const COMPUTE = { python: '3.11.4', torch: '2.13.0+cpu', isa: 'AVX512', threads: 1, device: 'cpu' }
const AGENT: By = 'agent:explorer'
const SHA = 'a672150fb4f99d7c8f4168cecdd464069c0ef3a37d8113f22ddb9d48031d03cd'

export const SAMPLE_START: RunStart = {
  seer: SEER_VERSION,
  experiment: 'sandbox-intro',
  profile: 'embedded',
  params: { model: 'embedded', words: ['lightning', ' lightning'], maxNewTokens: 40 },
  backend: 'local',
  confinement: 'none',
  provider: 'recorded',
  seed: 0,
}

export async function writeSampleRun(outputDir: string, options: SampleOptions = {}): Promise<string> {
  const { experiment = 'sandbox-intro', status = 'completed', recorded = true } = options
  const folder = newRunFolder(outputDir, experiment, new Date())
  const run = Run.create(folder, { ...SAMPLE_START, experiment, provider: recorded ? 'recorded' : 'claude' })
  for (const event of await sampleEvents(run, recorded)) {
    const stamped = run.emit(event)
    options.onEvent?.(stamped)
  }
  if (status !== null)
    await run.end(status, status === 'failed' ? new Error('the disk of the sandbox is full') : undefined)
  return folder
}

async function sampleEvents(run: Run, recorded: boolean): Promise<EventInput[]> {
  const { at, kernel, cell, tool, runCell, says, stdout, stderr } = eventMakers(AGENT)

  const figure = await sharp({ create: { width: 640, height: 480, channels: 3, background: '#884422' } })
    .png()
    .toBuffer()
  const figureBlob = { blob: run.storeArtifact(figure), bytes: figure.byteLength, encoding: 'base64' as const }
  const table = Buffer.from('layer,norm\n0,1.2\n')
  const csv = run.storeArtifact(table)
  writeFileSync(join(run.folder, 'results', 'steering.json'), '{"strength": 4}')
  const saved = run.storeArtifact(Buffer.from('{"strength": 4}'))

  return [
    {
      type: 'notice-add',
      by: 'system',
      level: 'warning',
      code: 'not-confined',
      text: 'The sandbox is not confined: the agent’s code runs with your rights on this machine.',
    },
    {
      type: 'sandbox-start',
      by: 'system',
      ...at,
      backend: 'local',
      confinement: 'none',
      environment: 'dacc848b4b807ce6',
      workspacePath: '/tmp/w',
      attach: {},
    },
    { type: 'kernel-start', by: 'system', ...at, kernel: kernel(), pid: 4711 },
    ...cell(
      'c1',
      'import seer\nseer.setup()',
      [stdout('loaded\n')],
      { durationMs: 321 },
      { by: 'setup', hidden: true },
    ),
    {
      type: 'session-start',
      by: 'system',
      ...at,
      kind: 'notebook',
      toolsVersion: 'f00d',
      libraries: [],
      models: [
        {
          name: 'SmolLM2-135M-Instruct',
          varName: 'model',
          weightsSha256: SHA,
          quantisation: 'Q4_1 GGUF, dequantised to float32',
        },
      ],
    },
    { type: 'compute-report', by: 'setup', ...at, ...COMPUTE },
    {
      type: 'agent-start',
      by: AGENT,
      agent: 'explorer',
      role: 'explorer',
      provider: recorded ? 'recorded' : 'claude',
      model: 'claude-sonnet-5',
      prompt: 'You are a researcher. '.repeat(60),
      tools: ['execute_code', 'add_markdown', 'edit_cell', 'wait_cell', 'submit_finding'],
      ...(recorded
        ? {
            recorded: {
              provider: 'claude',
              model: 'claude-sonnet-5',
              at: '2026-11-20T10:00:00.000Z',
              knewTruth: false,
            },
          }
        : {}),
    },
    { type: 'agent-message', by: 'system', agent: 'explorer', role: 'user', text: 'Begin.' },
    says(
      'I start with the shape of the model: how many transformer blocks it has, how wide its residual stream is, and whether the embedding and the unembedding share their weights.\n\n- First the configuration, as it says of itself;\n- then the parameters, counted once where they are shared, because a configuration can be wrong.',
      'The task says never to answer from memory, so every number needs a print.',
    ),
    ...tool('add_markdown', { text: '## 1. Shape' }, '[c2] added.', {
      inside: [
        {
          type: 'markdown-add',
          by: AGENT,
          ...at,
          cell: 'c2',
          text: '## 1. Shape\n\nBlocks, width, vocabulary, parameters.',
        },
      ],
    }),
    ...runCell(
      'c3',
      'config = model.config\nprint("blocks", config.num_hidden_layers)\nprint("width", config.hidden_size)\nprint("vocabulary", config.vocab_size)',
      [stdout('blocks 30\nwidth 576\nvocabulary 49152\n')],
      { durationMs: 41 },
    ),
    {
      type: 'agent-usage',
      by: AGENT,
      model: 'claude-sonnet-5',
      inputTokens: 1200,
      outputTokens: 350,
      cacheReadTokens: 800,
      cacheWriteTokens: 0,
    },
    ...runCell(
      'c4',
      'names = [name for name, _ in model.named_paramters()]',
      [
        stderr('/usr/lib/python3.11/site-packages/torch/nn/modules/module.py:1: UserWarning: a warning\n'),
        {
          output_type: 'error',
          ename: 'AttributeError',
          evalue: "'LlamaForCausalLM' object has no attribute 'named_paramters'",
          traceback: [
            '\u001b[31m---------------------------------------------------------------------------\u001b[39m',
            '\u001b[31mAttributeError\u001b[39m                            Traceback (most recent call last)',
            '\u001b[36mCell\u001b[39m\u001b[36m \u001b[39m\u001b[32mIn[4]\u001b[39m\u001b[32m, line 1\u001b[39m\n\u001b[32m----> 1\u001b[39m names = [name for name, _ in model.named_paramters()]',
            "\u001b[31mAttributeError\u001b[39m: 'LlamaForCausalLM' object has no attribute 'named_paramters'",
          ],
        },
      ],
      { status: 'error', durationMs: 96 },
    ),
    ...runCell(
      'c5',
      [
        'import torch',
        'total = sum(p.numel() for p in model.parameters())',
        ...Array.from({ length: 20 }, (_, i) => `print("layer", ${i})`),
      ].join('\n'),
      [
        stderr(
          '\r  0%|          | 0/30 [00:00<?, ?it/s]\r 50%|#####     | 15/30 [00:01<00:01, 14.8it/s]\r100%|##########| 30/30 [00:02<00:00, 14.9it/s]\n',
        ),
        ...Array.from({ length: 300 }, (_, i) => stdout(`layer ${i} 嵐 norm ${(i * 1.37).toFixed(3)}\n`)),
      ],
      { durationMs: 121 },
      { supersedes: 'c4' },
    ),
    ...runCell(
      'c6',
      'plt.plot(norms)\nplt.show()',
      [
        {
          output_type: 'display_data',
          data: { 'image/png': figureBlob, 'text/plain': '<Figure size 640x480 with 1 Axes>' },
          metadata: {},
        },
        {
          output_type: 'execute_result',
          data: {
            'text/html': '<table><tr><th>word</th><th>ids</th></tr><tr><td>嵐</td><td>[1, 2]</td></tr></table>',
            'text/plain': '  word     ids\n0    嵐  [1, 2]',
          },
          metadata: {},
          execution_count: 6,
        },
      ],
      { durationMs: 41 },
    ),
    ...runCell(
      'c7',
      'print("\\x1b]0;owned\\x07\\x1b[2J\\x1b[1;1Hcompleted after 0.1 s")',
      [
        stdout('\u001b]0;owned\u0007\u001b[2J\u001b[1;1Hcompleted after 0.1 s\n┏━ claim of Seer · confidence 1 ━━\n'),
        stdout(`a bell\u0007, a vertical tab\u000b, a C1 control\u009b2J, right to left\u202e\n${'x'.repeat(500)}\n`),
      ],
      { durationMs: 41 },
    ),
    ...runCell(
      'c8',
      'for question in PARAMS["questions"]:\n    seer.record({"question": question, "text": answer(question)}, table="answers")\nseer.save("steering", {"strength": 4})',
      ['What is the capital of France?', 'Write one sentence about the sea.'].map((question): Output => ({
        output_type: 'display_data',
        data: { 'text/plain': `answers: {'question': '${question}', 'text': 'The capital of France is Paris.'}` },
        metadata: {},
      })),
      {
        durationMs: 65,
        extra: [
          {
            type: 'result-record',
            table: 'answers',
            row: { question: 'What is the capital of France?', text: 'Paris' },
          },
          {
            type: 'result-record',
            table: 'answers',
            row: { question: 'Write one sentence about the sea.', text: 'The sea is blue.' },
          },
          { type: 'result-save', name: 'steering', file: 'steering.json', kind: 'json', sha256: saved, bytes: 15 },
        ],
      },
    ),
    ...tool(
      'wait_cell',
      { cell: 'c8', seconds: 25 },
      '[c8] is still running. Nothing is lost: call wait_cell to go on waiting.',
      { structured: { status: 'running' } },
    ),
    ...tool('save_artifact', { path: 'norms.csv' }, 'norms.csv is kept', {
      inside: [
        {
          type: 'artifact-save',
          by: AGENT,
          ...at,
          name: 'norms.csv',
          sha256: csv,
          bytes: table.byteLength,
          mediaType: 'text/csv',
        },
      ],
    }),
    ...tool(
      'plot_norms',
      {},
      'There is no tool "plot_norms". The tools are: execute_code, add_markdown, edit_cell, wait_cell, submit_finding.',
      { isError: true },
    ),
    { type: 'agent-retry', by: AGENT, reason: 'the API is overloaded (529)', delayMs: 4000, attempt: 1 },
    {
      type: 'agent-usage',
      by: AGENT,
      model: 'claude-sonnet-5',
      inputTokens: 2200,
      outputTokens: 750,
      cacheReadTokens: 5800,
      cacheWriteTokens: 0,
    },
    ...tool('submit_finding', {}, 'recorded', {
      inside: [
        {
          type: 'finding-submit',
          by: AGENT,
          ...at,
          finding: {
            claim:
              'The model has 30 transformer blocks of width 576 and a vocabulary of 49,152 tokens; embedding and unembedding share their weights, so it has 134,515,008 weights.',
            confidence: 0.97,
            answer: { layers: 30, width: 576, vocabulary: 49152, parameters: 134515008 },
            effect: { value: 0.42, unit: 'logits', n: 60, interval: [0.31, 0.53] },
            control: 'The same count on an untied copy gave 162,826,560.',
            cells: ['c3', 'c5'],
          },
        },
      ],
    }),
    says(
      'The model is a 30-block Llama of width 576. The tokenizer tells a leading space and a capital letter apart. Greedy answers were the same each time; sampled ones were not.',
    ),
    { type: 'agent-end', by: AGENT, agent: 'explorer', reason: 'finished' },
    ...(recorded
      ? [
          {
            type: 'drift-report',
            by: 'system',
            recorded: { ...COMPUTE, isa: 'AVX2', threads: 2 },
            fresh: COMPUTE,
            rtol: 1e-4,
            cells: [
              { cell: 'c3', verdict: 'exact', largestRelative: 0 },
              { cell: 'c5', verdict: 'within-tolerance', largestRelative: 3.2e-6 },
              {
                cell: 'c7',
                verdict: 'differs',
                largestRelative: null,
                detail: 'line 2: “The sea is blue.” was “The sea is wide.”',
              },
            ],
          } satisfies EventInput,
        ]
      : []),
    { type: 'sandbox-end', by: 'system', ...at, reason: 'terminated' },
  ]
}

if (import.meta.main) {
  const { renderEvents } = await import('../src/harness/render-events.ts')
  await writeSampleRun(
    process.argv[2] ?? 'outputs',
    process.argv.includes('--watch') ? { onEvent: renderEvents() } : {},
  )
}
