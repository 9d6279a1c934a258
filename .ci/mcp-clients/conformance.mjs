// The official conformance suite at both revisions, every scenario it has for
// a server. What it holds against the bridge must be in excused.json with a
// reason, and what is in there must still be so: neither list may rot.
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const suite = 'node_modules/@modelcontextprotocol/conformance/dist/index.js'
const excused = JSON.parse(readFileSync(new URL('excused.json', import.meta.url)))

/** What every scenario of a revision found: its failed checks and how many passed. */
async function results(url, revision) {
  const folder = mkdtempSync(join(tmpdir(), 'conformance-'))
  try {
    // Its exit status speaks of its own list of requirements; ours is stricter.
    const said = await new Promise((resolve) => execFile(process.execPath, [suite, 'server', '--url', url, '--requirements', revision, '-o', folder],
      { maxBuffer: 1 << 26, timeout: 300_000 }, (_error, stdout, stderr) => resolve(stdout + stderr)))
    const names = [...said.matchAll(/^=== Running scenario: (\S+) ===$/gm)].map((match) => match[1])
    const written = readdirSync(folder)
    return Object.fromEntries(names.map((name) => {
      const mine = written.find((entry) => entry.match(new RegExp(`^server-${name}-\\d{4}-`)))
      if (!mine) throw new Error(`the scenario ${name} left no result:\n${said.slice(-4000)}`)
      const checks = JSON.parse(readFileSync(join(folder, mine, 'checks.json')))
      return [name, {
        passed: checks.filter((check) => check.status === 'SUCCESS').length,
        failed: checks.filter((check) => check.status === 'FAILURE'),
      }]
    }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function excusesOf(revision) {
  const excuses = {}
  for (const { why, checks } of excused[revision]) {
    for (const [scenario, ids] of Object.entries(checks)) {
      for (const id of ids) (excuses[scenario] ??= {})[id] = why
    }
  }
  return excuses
}

function judge({ passed, failed }, excuses = {}) {
  const wrong = failed.filter((check) => !excuses[check.id]).map((check) => `${check.id}: ${check.errorMessage}`)
  const stale = Object.keys(excuses).filter((id) => !failed.some((check) => check.id === id)).map((id) => `${id} does not fail: strike it from excused.json`)
  if (wrong.length + stale.length > 0) throw new Error([...wrong, ...stale].join('\n'))
  const reasons = [...new Set(Object.values(excuses))]
  return [`${passed} checks pass`, ...reasons.map((why) => `${Object.values(excuses).filter((each) => each === why).length} excused: ${why}`)].join('; ')
}

/** One test a scenario and revision. */
export async function conformance(bridge) {
  const tests = {}
  for (const revision of Object.keys(excused)) {
    const found = await results(bridge.proxied, revision)
    const excuses = excusesOf(revision)
    for (const [scenario, result] of Object.entries(found)) tests[`conformance ${revision} ${scenario}`] = async () => judge(result, excuses[scenario])
    for (const scenario of Object.keys(excuses)) {
      if (!found[scenario]) tests[`conformance ${revision} ${scenario}`] = async () => { throw new Error('the suite has no such scenario: strike it from excused.json') }
    }
  }
  return tests
}
