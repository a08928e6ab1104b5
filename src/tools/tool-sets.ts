/** The sets of tools that a notebook session can give to its agent. */
import type { z } from 'zod'
import { cellTools } from './cell-tools.ts'
import { findingTool } from './finding-tool.ts'
import { kernelTools } from './kernel-tools.ts'
import type { Notebook } from './notebook.ts'
import { peek } from './peek-tool.ts'
import { restoreCells } from './restore-tool.ts'
import type { Tool } from './tool.ts'

/**
 * `default`: what an experiment needs; recordings are made with it, so its names and shapes are fixed. `full`: beside those, all that
 * one may do with a notebook.
 */
export const TOOL_SETS = ['default', 'full'] as const
export type ToolSet = (typeof TOOL_SETS)[number]

/** `answer`: the schema of a finding's answer. */
export function toolsOf(set: ToolSet, notebook: Notebook, answer?: z.ZodObject): Tool[] {
  const common = [...cellTools(notebook), ...kernelTools(notebook), findingTool(notebook, answer)]
  return set === 'default' ? common : [...common, restoreCells(notebook), peek(notebook)]
}
