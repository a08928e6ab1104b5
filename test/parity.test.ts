/** docs/parity.md has each name of the framework that Seer replaces once, and what it says of each is so. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { ExecutionMode, parseSandboxConfig } from '../src/environment/sandbox-config.ts'
import { answerOf, isHere } from './parity-here.ts'
import { DOCUMENT, rowsOf, type Row } from './parity-rows.ts'

const root = join(import.meta.dirname, '..')

/** The API reference of the framework, and what only its chapters name. */
const SEED: Readonly<Record<string, string>> = {
  SandboxConfig:
    'gpu gpu_count execution_mode models repos python_packages system_packages secrets timeout local_files local_dirs env debug',
  ModelConfig: 'name var_name hidden is_peft base_model',
  RepoConfig: 'url dockerfile install',
  ExecutionMode: 'NOTEBOOK CLI',
  Sandbox:
    'start terminate exec exec_python write_file ensure_dir snapshot from_snapshot jupyter_url code_server_url model_handles repo_handles sandbox_id',
  ScopedSandbox: 'start serve write_file exec terminate expose get_model_path',
  Workspace:
    'libraries skills skill_dirs local_dirs local_files custom_init_code preload_models hidden_model_loading get_library_docs',
  Library: 'from_file from_code from_skill_dir get_prompt_docs',
  Skill: 'from_dir from_function',
  NotebookSession: 'mcp_config jupyter_url model_info_text session_id workspace_path exec terminate',
  LocalSession: 'mcp_config name workspace_dir',
  LocalNotebookSession: 'mcp_config jupyter_url notebook_path workspace_path exec terminate',
  CLISession: 'mcp_config session_id exec exec_shell',
  create_notebook_session: 'sandbox workspace',
  create_local_session: 'workspace workspace_dir',
  create_local_notebook_session: 'workspace name output_dir',
  create_cli_session: 'workspace workspace_dir',
  run_agent: 'prompt mcp_config provider model user_message',
  run_agent_interactive: 'prompt mcp_config provider model user_message',
  /** A value, not a name. */
  'run_agent.provider:': 'claude',
  /** Those of its MCP server, which its documentation leaves to the agent to find. */
  tool: 'attach_to_session start_new_session start_session_resume_notebook start_session_continue_notebook execute_code add_markdown edit_cell shutdown_session',
}
const FUNCTIONS =
  'create_notebook_session create_local_session create_local_notebook_session create_cli_session run_agent run_agent_interactive'
const names = [
  ...Object.entries(SEED).flatMap(([owner, members]) =>
    members.split(' ').map((name) => (owner.endsWith(':') ? `${owner} ${name}` : `${owner}.${name}`)),
  ),
  ...FUNCTIONS.split(' ').map((name) => `${name}()`),
]

const rows = rowsOf(readFileSync(join(root, DOCUMENT), 'utf8'))

test('each name has exactly one row, and no row is of anything else', () => {
  expect(rows.map(({ there }) => there).sort()).toEqual(names.sort())
})

test('its state is one of three', () => {
  const isState = (state: string) => /^(works|works, plainly|not yet: `[^`]+`)$/.test(state)
  expect(rows.filter(({ state }) => !isState(state))).toEqual([])
})

test('what it is called here exists; only what is not there yet may have no name', () => {
  const isWrong = (row: Row) => (row.here === '' ? !notYet(row) : !isHere(row.here))
  expect(rows.filter(isWrong).map(({ there, here }) => [there, here])).toEqual([])
})

test('its test exists', () => {
  const isMissing = ({ test: { file, title } }: Row) => {
    const path = resolve(root, dirname(DOCUMENT), file)
    return !existsSync(path) || !titlesIn(readFileSync(path, 'utf8')).includes(title)
  }
  expect(rows.filter(isMissing).map(({ there, test: { file, title } }) => [there, file, title])).toEqual([])
})

test('what is not there yet', async () => {
  const missing = rows.filter(notYet)
  const answers = await Promise.all(missing.map(async ({ there }) => [there, `not yet: \`${await answerOf(there)}\``]))
  expect(answers).toEqual(missing.map(({ there, state }) => [there, state]))
})

test('the modes are the texts that a configuration takes', () => {
  for (const executionMode of Object.values(ExecutionMode))
    expect(parseSandboxConfig({ executionMode })).toMatchObject({ executionMode })
})

function notYet({ state }: Row): boolean {
  return state.startsWith('not yet')
}

/** What stands in quotation marks where a test is declared, in TypeScript or as the name of one in Python. */
function titlesIn(text: string): string[] {
  const quoted = [...text.matchAll(/(['"`])((?:(?!\1)[^\\\n]|\\.)+)\1/g)].map((match) => match[2]!.replaceAll('\\', ''))
  const python = [...text.matchAll(/^\s*def (test_\w+)/gm)].map((match) => match[1]!)
  return [...quoted, ...python]
}
