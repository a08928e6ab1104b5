const GIB = 1024 ** 3
export const MAX_BYTES = 8 * GIB
export const MAX_ENTRIES = 200_000

/** How much of a workspace is taken at most; it may hold anything. */
export interface TreeLimits {
  /** For all files together; 8 GiB unless said otherwise. */
  readonly maxBytes?: number
  /** Files, folders and links; 200,000 unless said otherwise. */
  readonly maxFiles?: number
  readonly signal?: AbortSignal
}
