/** `seer run --view`: the page of a run, served by the process that makes it. */
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { seerCommand } from '../seer-command.ts'
import { untilSignal } from './until-signal.ts'
import { openViewer } from './view.ts'

export interface RunPage {
  /** The address, for the start of the run. */
  line(folder: string): string
  /** Ends it: at once, or when nobody has it open any more, or by Ctrl-C. */
  end(folder: string, options: { mayStay: boolean; say: (text: string) => void }): Promise<void>
}

const CHECK_MS = 500

export async function openRunPage(options: {
  outputDir: string
  port?: number | undefined
  signal: AbortSignal
}): Promise<RunPage> {
  const viewer = await openViewer(options)
  return {
    line: (folder) => `Page: ${viewer.url({ run: basename(folder) })}`,
    async end(folder, { mayStay, say }) {
      const again = seerCommand(['view', basename(folder)], options)
      if (mayStay && viewer.watched) {
        // The run is over and saved: a signal ends only the waiting.
        say(`The page stays until it is closed, or Ctrl-C. To see it again: ${again}`)
        await untilSignal((signal) => untilUnwatched(viewer, signal))
      } else say(`The page ends with the run. To see it again: ${again}`)
      await viewer.close()
    },
  }
}

async function untilUnwatched(viewer: { readonly watched: boolean }, signal: AbortSignal): Promise<void> {
  while (viewer.watched && !signal.aborted) await sleep(CHECK_MS)
}
