/** What a cell printed. */
import { viewOfStream, type StreamText } from '../notebook/stream-text.ts'
import { size } from '../amounts.ts'
import { LongText } from './long-text.tsx'
import { ansiToHtml } from './text/ansi.ts'
import type { View } from './view.ts'

const HEAD = 24
const TAIL = 8

export interface StreamProps {
  readonly id: string
  readonly name: 'stdout' | 'stderr'
  readonly text: StreamText
  readonly view: View
}

export function Stream({ id, name, text, view }: StreamProps) {
  const { head, leftOutBytes, tail } = viewOfStream(text)
  const shared = {
    view,
    toHtml: ansiToHtml,
    class: 'stream-text',
    label: name === 'stderr' ? 'Error output' : 'Output',
  }
  if (head.trim() === '' && leftOutBytes === 0) return null
  return (
    <div class={`stream stream-${name}`}>
      {name === 'stderr' && <span class="output-label">stderr</span>}
      <LongText {...shared} id={`${id}-head`} text={head} head={HEAD} tail={leftOutBytes === 0 ? TAIL : 0} />
      {leftOutBytes > 0 && (
        <>
          <LeftOut bytes={leftOutBytes} blobs={text.blobs} view={view} />
          <LongText {...shared} id={`${id}-tail`} text={tail} head={0} tail={HEAD} />
        </>
      )}
    </div>
  )
}

const MAX_FILES = 3

function LeftOut({ bytes, blobs, view }: { bytes: number; blobs: StreamText['blobs']; view: View }) {
  return (
    <p class="left-out">
      {size(bytes)} left out here
      {blobs.slice(0, MAX_FILES).map(({ sha256, bytes }) => (
        <>
          {' · '}
          <a
            href={view.artifactUrl(sha256, `output-${sha256.slice(0, 8)}.txt`)}
            download={`output-${sha256.slice(0, 8)}.txt`}
          >
            a part of {size(bytes)} as a file
          </a>
        </>
      ))}
      {blobs.length > MAX_FILES && ` · and ${blobs.length - MAX_FILES} more in artifacts/`}
      {blobs.length === 0 && '; all of it is in events.jsonl'}
    </p>
  )
}
