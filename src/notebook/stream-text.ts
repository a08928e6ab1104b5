/** A stream's text in bounded memory: its start, its end, and an exact count of what is between. Plain data. */
import { byteLength } from './byte-length.ts'
import type { BlobRef } from './nbformat.ts'
import { safeCut, writeToTerminal, type TerminalLine } from './terminal-text.ts'

export const HEAD_CHARS = 64 * 1024
export const TAIL_CHARS = 64 * 1024

export interface StreamText extends TerminalLine {
  head: string
  /** False from the first character on that went elsewhere. */
  headOpen: boolean
  /** UTF-8 bytes between head and tail that are not kept here. */
  leftOutBytes: number
  tail: string
  /** UTF-8 bytes of all whole lines so far: where the open line starts. */
  settledBytes: number
  /** Parts that are kept as files, and where in the text they start. */
  blobs: { sha256: string; bytes: number; at: number }[]
}

/** Bytes of a file in artifacts/, or a stretch of them. Throws when it is not there. */
export type ReadBlob = (sha256: string, range?: { from: number; to: number }) => Uint8Array

/** A stretch of the stream number `n`, by bytes, to be picked up while a cell's messages are gone through once more. */
export interface StreamCapture {
  readonly n: number
  readonly from: number
  readonly to: number
  readonly readBlob: ReadBlob
  readonly parts: Uint8Array[]
}

export function emptyStream(): StreamText {
  return { head: '', headOpen: true, leftOutBytes: 0, tail: '', settledBytes: 0, blobs: [], line: '', column: null }
}

export function appendToStream(stream: StreamText, text: string | BlobRef, capture?: StreamCapture): void {
  if (typeof text !== 'string') return appendBlob(stream, text, capture)
  writeToTerminal(stream, text, (whole) => settle(stream, whole, capture))
}

/** All of it, when nothing was left out; else its start and end. */
export function viewOfStream(stream: StreamText): { head: string; leftOutBytes: number; tail: string } {
  const { head, leftOutBytes, tail, line } = stream
  return leftOutBytes === 0
    ? { head: head + tail + line, leftOutBytes, tail: '' }
    : { head, leftOutBytes, tail: tail + line }
}

/** Characters held in memory. */
export function sizeOfStream({ head, tail, line }: StreamText): number {
  return head.length + tail.length + line.length
}

function settle(stream: StreamText, text: string, capture?: StreamCapture): void {
  if (capture) pickUp(stream.settledBytes, text, capture)
  stream.settledBytes += byteLength(text)
  let rest = text
  if (stream.headOpen) {
    const room = safeCut(text, Math.min(text.length, HEAD_CHARS - stream.head.length))
    stream.head += text.slice(0, room)
    if (room === text.length) return
    stream.headOpen = false
    rest = text.slice(room)
  }
  stream.tail += rest
  // Cut only when twice the size, so that many small writes do not copy the whole tail each time.
  if (stream.tail.length <= 2 * TAIL_CHARS) return
  const at = safeCut(stream.tail, stream.tail.length - TAIL_CHARS)
  stream.leftOutBytes += byteLength(stream.tail.slice(0, at))
  stream.tail = stream.tail.slice(at)
}

function appendBlob(stream: StreamText, ref: BlobRef, capture?: StreamCapture): void {
  if (stream.line) settle(stream, stream.line, capture)
  Object.assign(stream, { line: '', column: null })
  if (capture && stream.settledBytes < capture.to && stream.settledBytes + ref.bytes > capture.from) {
    const from = Math.max(0, capture.from - stream.settledBytes)
    const to = Math.min(ref.bytes, capture.to - stream.settledBytes)
    capture.parts.push(capture.readBlob(ref.blob, { from, to }))
  }
  stream.blobs.push({ sha256: ref.blob, bytes: ref.bytes, at: stream.settledBytes })
  // Previews come from the sandbox: where they are longer than the whole, neither is believed.
  const claimed = ref.bytes - byteLength(ref.head ?? '') - byteLength(ref.tail ?? '')
  const [head, between, tail] = claimed < 0 ? ['', ref.bytes, ''] : [ref.head ?? '', claimed, ref.tail ?? '']
  settle(stream, head)
  if (between === 0) return settle(stream, tail)
  stream.headOpen = false
  stream.leftOutBytes += byteLength(stream.tail) + between
  stream.tail = tail
  stream.settledBytes += between + byteLength(tail)
}

function pickUp(at: number, text: string, { from, to, parts }: StreamCapture): void {
  const bytes = byteLength(text)
  if (at >= to || at + bytes <= from) return
  parts.push(new TextEncoder().encode(text).subarray(Math.max(0, from - at), to - at))
}
