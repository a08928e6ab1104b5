/** What it takes to open a notebook, as plain facts: of a workspace that was given, or of what is kept of an earlier session. */
import type { z } from 'zod'
import type { KernelConfig } from '../channel/protocol.ts'
import { modelForLog } from '../environment/models/model-for-log.ts'
import type { ModelHandle } from '../environment/models/model-handle.ts'
import type { Sandbox } from '../environment/sandbox.ts'
import { interfacesOf } from '../interface/client-library.ts'
import type { Interface } from '../interface/interface.ts'
import type { EventOf } from '../run/events.ts'
import type { ToolSet } from '../tools/tool-sets.ts'
import type { Tool } from '../tools/tool.ts'
import type { Workspace } from '../workspace/workspace.ts'
import { modelForKernel, modelInfoText } from './model-info.ts'
import { pythonPath } from './place-workspace.ts'
import type { Callers } from './session-calls.ts'
import type { Step } from './set-up.ts'

/** What else a session of another kind has. */
export interface SessionKind {
  readonly kind: 'notebook' | 'local' | 'local-notebook'
  /** Models of other sandboxes, which its code can reach. */
  readonly reached?: readonly ModelHandle[]
  /** Beside those of the notebook. */
  readonly moreTools?: (place: SessionPlace) => Tool[]
}

/** For tools that start processes: of which session they are, and on whose behalf. */
export interface SessionPlace {
  readonly sandbox: Sandbox
  /** Variables by which a process finds the libraries, and the functions that the session may call. */
  readonly env: Readonly<Record<string, string>>
  readonly callers: Callers
}

/** What the log says at its start of what it was given. */
export type Given = Pick<EventOf<'session-start'>, 'libraries' | 'skills' | 'models' | 'preloadModels'>

export interface Opening {
  readonly kind: SessionKind
  /** Cells that set the kernel up, at its start and at each restart. */
  readonly steps: readonly Step[]
  readonly config: KernelConfig
  readonly given: Given
  /** Those whose functions its code may call. */
  readonly interfaces: readonly Interface[]
  readonly pythonPath: string
  /** What the agent should know of the models, and of all that was given. */
  readonly info: string
  /** The schema of a finding's answer. */
  readonly answer: z.ZodObject | undefined
  readonly tools: ToolSet
}

export function openingOf(
  sandbox: Sandbox,
  workspace: Workspace,
  {
    params,
    seed,
    ...more
  }: Pick<Opening, 'kind' | 'steps' | 'answer' | 'tools'> & Pick<KernelConfig, 'params' | 'seed'>,
): Opening {
  const { modelHandles } = sandbox
  const { libraries, skills, preloadModels } = workspace
  return {
    ...more,
    config: { params, seed, models: preloadModels ? modelHandles.map(modelForKernel) : [] },
    given: {
      libraries: libraries.map(({ name, sha256 }) => ({ name, sha256 })),
      ...(skills.length > 0 ? { skills: skills.map(({ name, sha256 }) => ({ name, sha256 })) } : {}),
      models: [...modelHandles, ...(more.kind.reached ?? [])].map(modelForLog),
      ...(preloadModels ? {} : { preloadModels: false }),
    },
    interfaces: interfacesOf(workspace),
    pythonPath: pythonPath(workspace, sandbox.workspacePath),
    info: modelInfoText(modelHandles, workspace, sandbox),
  }
}
