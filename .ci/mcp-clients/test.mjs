// Runs every client and then the conformance suite; one line each.
import { startBridge } from './bridge.mjs'
import { clients } from './clients.mjs'
import { conformance } from './conformance.mjs'

const only = process.argv[2] // a part of a name
let failed = 0

async function report(name, test) {
  if (only && !name.includes(only)) return
  const began = performance.now()
  try {
    const note = await test()
    console.log(`ok    ${name}${note ? ` (${note})` : ''} ${((performance.now() - began) / 1000).toFixed(1)} s`)
  } catch (error) {
    failed++
    console.log(`FAIL  ${name}\n      ${String(error.stderr || error.message || error).trim().replaceAll('\n', '\n      ')}`)
  }
}

const bridge = await startBridge()
try {
  for (const [name, test] of Object.entries(clients)) await report(name, () => test(bridge))
  for (const [name, test] of Object.entries(await conformance(bridge))) await report(name, test)
} finally {
  await bridge.stop()
}
process.exit(failed ? 1 : 0)
