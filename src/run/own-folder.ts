/** What lies in a folder may have been put there by others: a run's by whoever handed it over, or by the agent's code. */
import { lstatSync } from 'node:fs'
import { userInfo } from 'node:os'

/** A folder of this user, and no link. */
export function isOwnFolder(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false })
  return found !== undefined && found.isDirectory() && found.uid === userInfo().uid
}

/** What is written there would land where the link leads. */
export function refuseLink(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) throw new Error(`${path} is a link`)
}
