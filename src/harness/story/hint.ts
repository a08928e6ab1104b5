/** A command that shows more, after the words that say what there is more of: it is never cut, so that it runs when pasted. */
import { basename, dirname } from 'node:path'
import { seerCommand } from '../../seer-command.ts'
import { breakWords, widthOf } from './columns.ts'
import { inline, type Look } from './look.ts'

/** `seer show k3f9 --cell c4`. The end of a run's name is enough to name it. */
export function showCommand(run: string, folder: string | undefined, args: readonly string[]): string {
  const name = inline(folder === undefined ? run : basename(folder), 200)
  const end = /^\d{4}-\d\d-\d\d-.*-([a-z0-9]{4})$/.exec(name)?.[1]
  const where = folder === undefined ? {} : { outputDir: dirname(folder) }
  return inline(seerCommand(['show', end ?? name, ...args], where), 2000)
}

/** One row where both fit, else the command on rows of its own, with the shell's mark for a line that goes on. */
export function withHint(look: Look, mark: string, text: string, command: string): string[] {
  const row = `${mark}${text} · ${command}`
  if (widthOf(row) <= look.width) return [row]
  const inner = ' '.repeat(widthOf(mark) + 2)
  const rows: string[] = []
  let line = inner
  for (const word of command.split(' ')) {
    if (line !== inner && widthOf(`${line}${word} \\`) > look.width) {
      rows.push(`${line}\\`)
      line = `${inner}  `
    }
    line += `${word} `
  }
  const words = breakWords(`${text}:`, Math.max(8, look.width - widthOf(mark)))
  return [...words.map((part) => mark + part), ...rows, line.trimEnd()]
}
