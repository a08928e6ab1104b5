#!/usr/bin/env node
/** The command line: arguments to calls. Each command is in its own file, loaded when it is asked for. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { SeerError } from '../errors.ts'
import { DEFAULT_BUDGET_USD } from '../harness/limits.ts'
import { SEER_VERSION } from '../run/version.ts'
import { errorJson } from './error-json.ts'
import type { AttachOptions } from './attach.ts'
import type { JupyterOptions } from './jupyter.ts'
import type { McpOptions } from './mcp.ts'
import type { ReplayOptions } from './replay.ts'
import type { ResultsOptions } from './results.ts'
import type { RunOptions } from './run.ts'
import { exitCodeOf, exitCodes } from './settings.ts'
import { errorText, stackText } from './terminal.ts'
import type { ServeFlags } from './serve.ts'
import type { StopSandboxesOptions } from './stop-sandboxes.ts'
import type { ViewOptions } from './view.ts'

interface ShowFlags {
  check?: boolean
  output?: string
  cell?: string
  prompt?: boolean
}

interface Common {
  outputDir: string
  json?: boolean
}

const program = new Command('seer')
  .description(
    'An AI agent carries out an experiment by writing and running code next to a model; you watch, and keep a record.',
  )
  .version(SEER_VERSION)
  .showSuggestionAfterError()
  .exitOverride()

const outputDir = () => new Option('--output-dir <folder>', 'where run folders are').default('outputs')
const json = () => new Option('--json', 'nothing but JSON on stdout; the last line has run, folder, status and counts')
const parseBudget = (value: string): number | 'none' => {
  if (value === 'none') return value
  const usd = /^\d*\.?\d+$/.test(value) ? Number(value) : 0
  if (usd > 0) return usd
  throw new InvalidArgumentError('It is an amount in USD, as 2.50, or none.')
}
const port = () =>
  new Option('--port <n>', 'of the page on 127.0.0.1; without it the usual one, or a free one').argParser((value) => {
    if (/^\d+$/.test(value) && Number(value) > 0 && Number(value) < 65536) return Number(value)
    throw new InvalidArgumentError('It is a number from 1 to 65535.')
  })
const collect = (value: string, before: string[]) => [...before, value]

program
  .command('run')
  .description('run an experiment')
  .argument('<experiment>', 'a name that Seer brings (sandbox-intro), or a folder with an experiment.ts')
  .option('--profile <name>', 'named parameters of the experiment')
  .option('--set <key=value>', 'change one parameter; may be repeated', collect, [])
  .option('--subject <model>', 'the model under study: sets the experiment’s parameter "model"')
  .option(
    '--provider <name>',
    'where the agent’s words come from: claude, recorded (a played recording), or outside (an agent that connects with seer mcp)',
  )
  .option('--agent-model <model>', 'the model that answers as the agent')
  .addOption(
    new Option('--budget <USD>', 'what the agents of this run may cost, or none')
      .argParser(parseBudget)
      .default(DEFAULT_BUDGET_USD),
  )
  .option('--record [file]', 'keep the agent’s words and calls as a recording, to be played with --provider recorded')
  .option('--answered-by <text>', 'with --record: who answered, where it is not the model that the endpoint names')
  .option('--blind', 'with --record: the answerer had seen neither the repository nor the expected answer')
  .option('--recording <file>', 'play this recording')
  .option('--unconfined', 'no wall around the agent’s code: it gets all your rights on this machine')
  .option('--view', 'serve the live page of the run while it goes on, and as long as somebody has it open')
  .addOption(port())
  .option('--timings', 'show where the time goes from enter to the first cell’s result')
  .addOption(outputDir())
  .addOption(json())
  .action(async (experiment: string, options: RunOptions) => (await import('./run.ts')).runCommand(experiment, options))

program
  .command('new')
  .description('copy an experiment into a folder of your own, to be changed')
  .argument('<folder>', 'where to: an empty folder, or one that is not there yet')
  .option('--from <experiment>', 'a name that Seer brings (sandbox-intro), or a folder with an experiment.ts')
  .action(async (folder: string, options: { from?: string }) => (await import('./new.ts')).newCommand(folder, options))

program
  .command('show')
  .description('tell a run’s story')
  .argument('<run>', 'a run’s id, the beginning or end of one, a folder, or "latest"')
  .option('--check', 'check that log, notebook and artifacts agree')
  .option('--output <cell>', 'print the whole text output of one cell')
  .option('--cell <cell>', 'print the whole code, or text, of one cell')
  .option('--prompt', 'print what the agents were told at their start, as it was sent')
  .addOption(outputDir())
  .addOption(json())
  .action(async (run: string, options: Common & ShowFlags) => (await import('./inspect.ts')).showCommand(run, options))

program
  .command('report')
  .description('write a run’s report.html, and print where it is')
  .argument('<run>', 'a run as for show')
  .addOption(outputDir())
  .addOption(json())
  .action(async (run: string, options: Common) => (await import('./report.ts')).reportCommand(run, options))

program
  .command('replay')
  .description('run the cells of a run again, and say which of them put out something else')
  .argument('<run>', 'a run as for show')
  .option('--all', 'all that ran, as it ran; without it, what the notebook shows, top to bottom in one kernel')
  .option('--trust', 'give its code again what the run had of this machine: files, secrets, network, packages')
  .option('--env <NAME=value>', 'a variable that its sandbox had; may be repeated', collect, [])
  .option('--model <variable=name>', 'where the model of a variable is now; may be repeated', collect, [])
  .option('--unconfined', 'no wall around its code: it gets all your rights on this machine')
  .addOption(
    new Option('--rtol <number>', 'how far two numbers may be apart, in relation to the larger one').argParser(
      (value) => {
        const rtol = Number(value)
        if (value !== '' && rtol >= 0 && rtol <= 1) return rtol
        throw new InvalidArgumentError('It is a number from 0 to 1, as 1e-4.')
      },
    ),
  )
  .addOption(outputDir())
  .addOption(json())
  .action(async (run: string, options: ReplayOptions) => (await import('./replay.ts')).replayCommand(run, options))

program
  .command('stop')
  .description('end a run that goes on, with everything saved')
  .argument('[run]', 'a run as for show; without it, the one that goes on')
  .addOption(outputDir())
  .addOption(json())
  .action(async (run: string | undefined, options: Common) => (await import('./stop.ts')).stopCommand(run, options))

program
  .command('view')
  .description('serve the live page of runs, on this machine only')
  .argument('[run]', 'the run to open it at, as for show; without it, the list of runs')
  .addOption(outputDir())
  .addOption(port())
  .option('--open', 'open it in a browser')
  .action(async (run: string | undefined, options: ViewOptions) =>
    (await import('./view.ts')).viewCommand(run, options),
  )

program
  .command('serve')
  .description('load an interface file in a scoped sandbox, say what it offers, and call its functions by hand')
  .argument('<file>', 'a Python file with @expose')
  .option('--name <name>', 'what an agent would call it; without it the file’s name')
  .option('--model <model>', 'a model that it finds with get_model_path; may be repeated', collect, [])
  .option('--package <package>', 'a Python package that it needs; may be repeated', collect, [])
  .option('--call <call>', 'make this call, print what it returns, and end: \'get_embedding {"text": "hello"}\'')
  .option('--unconfined', 'no wall around the file’s code: it gets all your rights on this machine')
  .addOption(outputDir())
  .action(async (file: string, options: ServeFlags) => (await import('./serve.ts')).serveCommand(file, options))

program
  .command('attach')
  .description('take part in a live run: what you type runs in its kernel, what others do is shown')
  .argument('[run]', 'a live run’s id, or the beginning or end of it; without it, the newest')
  .option('--session <id>', 'another session of the run than the newest')
  .action(async (run: string | undefined, options: AttachOptions) =>
    (await import('./attach.ts')).attachCommand(run, options),
  )

program
  .command('jupyter')
  .description('JupyterLab on a live run: the address of its notebook, with a console in its kernel')
  .argument('[run]', 'a live run’s id, or the beginning or end of it; without it, the newest')
  .option('--session <id>', 'another session of the run than the newest')
  .action(async (run: string | undefined, options: JupyterOptions) =>
    (await import('./jupyter.ts')).jupyterCommand(run, options),
  )

program
  .command('mcp')
  .description('a server of MCP on stdin and stdout, by which any agent works in a live run')
  .argument('[run]', 'a live run’s id, or the beginning or end of one; without it, the newest')
  .addOption(
    new Option('--as <role>', 'what the agent may do: read only, use the session’s tools, or have a kernel of its own')
      .choices(['observer', 'second-author', 'own-kernel'])
      .default('second-author'),
  )
  .option('--session <id>', 'another session of the run than the newest')
  .option(
    '--experiment <name>',
    'start this experiment, and let the agent be its agent: a name or a folder, as for run',
  )
  .option('--profile <name>', 'with --experiment: as for run')
  .option('--set <key=value>', 'with --experiment: as for run; may be repeated', collect, [])
  .option('--subject <model>', 'with --experiment: as for run')
  .option('--unconfined', 'with --experiment: as for run')
  .addOption(outputDir())
  .action(async (run: string | undefined, options: McpOptions) => (await import('./mcp.ts')).mcpCommand(run, options))

program
  .command('list')
  .description('list runs, newest first')
  .addOption(outputDir())
  .addOption(json())
  .action(async (options: Common) => (await import('./inspect.ts')).listCommand(options))

program
  .command('results')
  .description('write what the code of some runs recorded, as one table with where each row comes from')
  .argument('<run...>', 'runs as for show')
  .addOption(
    new Option('--format <format>', 'of the file that goes to stdout')
      .choices(['csv', 'jsonl', 'parquet'])
      .default('csv'),
  )
  .option('--table <name>', 'only the rows of this table')
  .addOption(outputDir())
  .action(async (runs: string[], options: ResultsOptions) =>
    (await import('./results.ts')).resultsCommand(runs, options),
  )

program
  .command('doctor')
  .description('say what this machine has and lacks')
  .addOption(json())
  .action(async (options: { json?: boolean }) => (await import('./inspect.ts')).doctorCommand(options))

const snapshots = program.command('snapshots').description('the snapshots of sandboxes on this machine')
snapshots
  .command('ls', { isDefault: true })
  .description('list them, newest first')
  .addOption(json())
  .action(async (options: { json?: boolean }) => {
    process.exitCode = (await import('./snapshots.ts')).listSnapshotsCommand(options)
  })
snapshots
  .command('show')
  .description('say what is in one, and check every byte of it')
  .argument('<snapshot>', 'its id, its name, or its folder')
  .addOption(json())
  .action(async (which: string, options: { json?: boolean }) => {
    process.exitCode = await (await import('./snapshots.ts')).showSnapshotCommand(which, options)
  })
snapshots
  .command('rm')
  .description('remove some for good')
  .argument('<snapshot...>', 'their ids or names')
  .addOption(json())
  .action(async (which: string[], options: { json?: boolean }) => {
    process.exitCode = (await import('./snapshots.ts')).removeSnapshotsCommand(which, options)
  })

const sandboxes = program.command('sandboxes').description('the sandboxes that are on this machine now')
sandboxes
  .command('ls', { isDefault: true })
  .description('list them: whose they are, and how long they have')
  .addOption(json())
  .action(async (options: { json?: boolean }) => (await import('./sandboxes.ts')).listSandboxesCommand(options))
sandboxes
  .command('stop')
  .description('end some that no living process uses')
  .argument('[id...]', 'their ids')
  .option('--all', 'all of those')
  .addOption(json())
  .action(async (ids: string[], options: StopSandboxesOptions) =>
    (await import('./stop-sandboxes.ts')).stopSandboxesCommand(ids, options),
  )

const environments = program.command('env').description('the Python environments that Seer has made on this machine')
environments
  .command('ls', { isDefault: true })
  .description('list them, the ones used last first')
  .addOption(json())
  .action(async (options: { json?: boolean }) => {
    process.exitCode = await (await import('./env.ts')).listEnvironmentsCommand(options)
  })
environments
  .command('rm')
  .description('remove some; they are made again when they are needed')
  .argument('[environment...]', 'their ids, or enough of their beginnings')
  .option('--unused', 'all that no sandbox uses, but the standard one; and what killed processes left half made')
  .addOption(json())
  .action(async (ids: string[], options: { json?: boolean; unused?: boolean }) => {
    process.exitCode = await (await import('./env.ts')).removeEnvironmentsCommand(ids, options)
  })

program
  .command('gc')
  .description('save what crashed runs left behind, end their processes, and remove sandboxes that are dead')
  .addOption(outputDir())
  .addOption(json())
  .action(async (options: Common) => (await import('./gc.ts')).gcCommand(options))

// `seer … | head`, or a program that started it and has gone: the run goes on without its listener.
for (const out of [process.stdout, process.stderr]) {
  out.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

try {
  await program.parseAsync()
} catch (error) {
  const isError = !(error instanceof CommanderError && error.exitCode === 0)
  if (isError && process.argv.includes('--json')) process.stdout.write(`${errorJson(error)}\n`)
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  else {
    process.stderr.write(`${errorText(error)}\n`)
    if (!(error instanceof SeerError) && error instanceof Error) process.stderr.write(`${stackText(error)}\n`)
    process.exitCode = error instanceof SeerError ? exitCodeOf(error.code) : exitCodes.failed
  }
}
