/**
 * The loopback server's schemas against the vendor's own types: the compiler is the test (`tsc`). Whatever a schema accepts, the
 * vendor's type accepts; what is required there is required here; and a field's values are all of the vendor's, but for the
 * fields that are named as narrower: there the server takes less, since Seer sends less.
 */
import type Anthropic from '@anthropic-ai/sdk'
import { expectTypeOf, test } from 'vitest'
import type { z } from 'zod'
import type { schemas } from './messages-rules.ts'

type Ours = { [K in keyof typeof schemas]: z.infer<(typeof schemas)[K]> }

type RequiredKeys<T> = { [K in keyof T]-?: object extends Pick<T, K> ? never : K }[keyof T]
type KnownKeys<T> = keyof { [K in keyof T as string extends K ? never : K]: T[K] }
type Is<A, B> = [A] extends [B] ? true : false
/** An object of findings: each must be `true`. */
type Compared<O, V, Narrower extends PropertyKey = never> = {
  accepted: Is<O, V>
  known: Is<KnownKeys<O>, KnownKeys<V>>
  required: Is<RequiredKeys<V>, RequiredKeys<O>>
  complete: Is<Pick<V, Exclude<KnownKeys<O>, Narrower> & keyof V>, Pick<O, Exclude<KnownKeys<O>, Narrower> & keyof O>>
}
interface Equal {
  accepted: true
  known: true
  required: true
  complete: true
}

test('the schemas of requests are those of @anthropic-ai/sdk', () => {
  // One breakpoint of five minutes is all that Seer sets; the vendor's type has a longer one too, and takes null for none.
  expectTypeOf<Compared<Ours['cacheControl'], Anthropic.CacheControlEphemeral>>().toEqualTypeOf<Equal>()
  expectTypeOf<Compared<Ours['text'], Anthropic.TextBlockParam, 'cache_control'>>().toEqualTypeOf<Equal>()
  expectTypeOf<Compared<Ours['imageSource'], Anthropic.Base64ImageSource>>().toEqualTypeOf<Equal>()
  expectTypeOf<Compared<Ours['image'], Anthropic.ImageBlockParam, 'cache_control' | 'source'>>().toEqualTypeOf<Equal>()
  expectTypeOf<Compared<Ours['thinking'], Anthropic.ThinkingBlockParam>>().toEqualTypeOf<Equal>()
  expectTypeOf<Compared<Ours['redactedThinking'], Anthropic.RedactedThinkingBlockParam>>().toEqualTypeOf<Equal>()
  expectTypeOf<
    Compared<Ours['toolUse'], Anthropic.ToolUseBlockParam, 'cache_control' | 'input'>
  >().toEqualTypeOf<Equal>()
  expectTypeOf<
    Compared<Ours['toolResult'], Anthropic.ToolResultBlockParam, 'cache_control' | 'content'>
  >().toEqualTypeOf<Equal>()
  expectTypeOf<Compared<Ours['tool'], Anthropic.Tool, 'input_schema' | 'description'>>().toEqualTypeOf<Equal>()
  expectTypeOf<Compared<Ours['userMessage'], Anthropic.UserMessageParam, 'content'>>().toEqualTypeOf<Equal>()
  expectTypeOf<Compared<Ours['assistantMessage'], Anthropic.AssistantMessageParam, 'content'>>().toEqualTypeOf<Equal>()
  type Narrower = 'messages' | 'system' | 'tools'
  expectTypeOf<Compared<Ours['request'], Anthropic.MessageCreateParamsStreaming, Narrower>>().toEqualTypeOf<Equal>()
})

test('a difference is found', () => {
  type Block = { type: 'text'; text: string }
  expectTypeOf<Compared<Block & { extra: string }, Block>['known']>().toEqualTypeOf<false>()
  expectTypeOf<Compared<Block, Block & { wanted: string }>['required']>().toEqualTypeOf<false>()
  expectTypeOf<Compared<Block, { type: 'text'; text: number }>['accepted']>().toEqualTypeOf<false>()
  expectTypeOf<Compared<Block, { type: 'text' | 'image'; text: string }>['complete']>().toEqualTypeOf<false>()
})
