// node --conditions=seer-source bench/contenders/main.ts NAME URL TURNS FOLDER
// One conversation in a process of its own, as a researcher's script has it. Prints one line of JSON.
import { env, hrtime } from 'node:process'
import type { Contender } from './contender.ts'

const [, , name = '', baseUrl = '', turns = '', folder = ''] = process.argv
const importedAt = performance.now()
const { contender } = (await import(`./${name}.ts`)) as { contender: Contender }
let toolCalls = 0
const run = await contender.prepare({
  system: 'Count on with the tool until you are told to stop.',
  prompt: 'Begin.',
  model: 'claude-sonnet-5-5',
  maxTurns: Number(turns) + 5,
  baseUrl,
  apiKey: env['ANTHROPIC_API_KEY'] ?? '',
  folder,
  bump(n) {
    toolCalls += 1
    return String(n + 1)
  },
})
const prepareMs = performance.now() - importedAt
const startedAt = hrtime.bigint()
const lastWord = await run()
process.stdout.write(`${JSON.stringify({ prepareMs, startedAt: String(startedAt), toolCalls, lastWord })}\n`)
