// Prints "passed failed skipped" of a report: vitest's JSON, or pytest's JUnit XML. Nothing when there is no report.
import { existsSync, readFileSync } from 'node:fs'

const file = process.argv[2] ?? ''
if (existsSync(file)) console.log(file.endsWith('.json') ? vitest(file) : junit(file))

function vitest(path) {
  const report = JSON.parse(readFileSync(path, 'utf8'))
  // A file that cannot be loaded has no tests to fail.
  const broken = report.testResults.filter((one) => one.status === 'failed' && one.assertionResults.length === 0)
  const failed = report.numFailedTests + broken.length
  return `${report.numPassedTests} ${failed} ${report.numPendingTests + report.numTodoTests}`
}

function junit(path) {
  const suites = readFileSync(path, 'utf8').match(/<testsuite [^>]*>/g) ?? []
  const sum = (name) =>
    suites.reduce((total, tag) => total + Number(new RegExp(` ${name}="(\\d+)"`).exec(tag)?.[1] ?? 0), 0)
  const failed = sum('failures') + sum('errors')
  return `${sum('tests') - failed - sum('skipped')} ${failed} ${sum('skipped')}`
}
