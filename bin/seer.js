#!/usr/bin/env node
// The command of the npm package and of a linked checkout. Written in syntax that old Nodes parse, so that they can be told.
import { existsSync } from 'node:fs'

var major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(
    'seer: needs Node.js 24 or newer, and this is ' +
      process.versions.node +
      '. Install a newer one (https://nodejs.org), or run ./seer from a checkout, which brings its own.',
  )
  process.exit(3)
}
var source = new URL('../src/cli/main.ts', import.meta.url)
void import(existsSync(source) ? source.href : new URL('../dist/cli/main.js', import.meta.url).href)
