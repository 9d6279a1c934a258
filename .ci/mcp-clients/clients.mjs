// The official clients, each taking the course of course.mjs over both
// transports and, where it speaks them, in both protocol eras.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

import { Client as ClientV2, StreamableHTTPClientTransport as HTTPV2, ClientCredentialsProvider as CredentialsV2 } from '@modelcontextprotocol/client'
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio'
import { ClientCredentialsProvider as CredentialsV1 } from '@modelcontextprotocol/sdk/client/auth-extensions.js'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport as HTTPV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

import { client as credentials } from './bridge.mjs'
import { course, take, tools } from './course.mjs'
import { tasks } from './tasks.mjs'

const run = promisify(execFile)
const name = { name: 'mcp-clients', version: '1' }

function same(got, want, what) {
  if (JSON.stringify(got) !== JSON.stringify(want)) throw new Error(`${what}: ${JSON.stringify(got)}, want ${JSON.stringify(want)}`)
}

/** A TypeScript client of either generation. */
async function typescript(client, transport, revision) {
  let negotiated
  const set = transport.setProtocolVersion?.bind(transport)
  transport.setProtocolVersion = (version) => { negotiated = version; set?.(version) }
  await client.connect(transport)
  try {
    same(client.getNegotiatedProtocolVersion?.() ?? negotiated, revision, 'negotiated')
    same((await client.listTools()).tools.map((tool) => tool.name), tools, 'tools')
    await take((tool, args) => client.callTool({ name: tool, arguments: args }))
    let refused = false
    await client.callTool({ name: 'drop_database', arguments: {} }).catch(() => { refused = true })
    same(refused, true, 'an unknown tool is refused')
  } finally {
    await client.close()
  }
}

const v2 = (mode) => new ClientV2(name, { versionNegotiation: { mode } })
const modern = { pin: '2026-07-28' }
const bearer = (bridge) => ({ requestInit: { headers: { Authorization: `Bearer ${bridge.token}` } } })
// Without a token the client is shown the way to one: 401, the metadata of the
// resource and of its authorization server, then client credentials.
const own = (Provider, bridge) => ({ authProvider: new Provider({ clientId: credentials.id, clientSecret: credentials.secret, expectedIssuer: bridge.issuer }) })

/** Fails unless the connection is refused for want of a token. */
async function refused(connect) {
  const failure = await connect().then(() => undefined, (error) => error)
  if (!failure) throw new Error('connected without a token')
  const said = `${failure.name} ${failure.code ?? ''} ${failure.status ?? ''} ${failure.message} ${failure.stderr ?? ''} ${failure.stdout ?? ''}`
  if (!/401|unauthorized|auth_required/i.test(said)) throw new Error(`without a token: ${said}`)
}

async function go(where, revision, want) {
  const args = ['-want', want, ...(revision ? ['-revision', revision] : []), ...where.args]
  await run(process.env.GO_CLIENT, args, { env: { ...where.env, COURSE: JSON.stringify(course()), TOOLS: tools.join(',') } })
}

const goStdio = (bridge) => ({ args: ['--', bridge.stdio.command, ...bridge.stdio.args], env: bridge.stdio.env })
const goHTTP = (bridge, token) => ({ args: ['-url', bridge.url, '-token', token], env: {} })

/** One run of the Inspector is one method, and takes it more than a second. */
async function inspect(where, method, extra = []) {
  const cli = 'node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js'
  const { stdout } = await run(process.execPath, [cli, '--cli', ...where.target, '--method', method, ...extra, ...where.flags], { env: where.env, maxBuffer: 1 << 24 })
  return JSON.parse(stdout)
}

async function inspector(where, settled = (step) => step) {
  same((await inspect(where, 'tools/list')).tools.map((tool) => tool.name), tools, 'tools')
  const calls = course().filter((step) => !step.isError).map(settled)
  await take((tool, args) => inspect(where, 'tools/call', ['--tool-name', tool, ...Object.entries(args).flatMap(([key, value]) => ['--tool-arg', `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`])]), calls)
}

// In the modern era the Inspector declares tasks and shows what a write came to.
const toItsEnd = (step) => (step.want.status === 'accepted' ? { ...step, want: { status: 'succeeded' } } : step)

const inspectorHome = (bridge) => ({ PATH: process.env.PATH, HOME: bridge.stdio.env.HOME })
const inspectorStdio = (bridge) => ({
  target: [bridge.stdio.command, ...bridge.stdio.args], env: inspectorHome(bridge),
  flags: Object.entries(bridge.stdio.env).flatMap(([key, value]) => ['-e', `${key}=${value}`]),
})
const inspectorHTTP = (bridge, flags) => ({ target: [bridge.url], env: inspectorHome(bridge), flags: ['--transport', 'http', ...flags] })

export const clients = {
  'TypeScript v1, stdio, 2025-11-25': (b) => typescript(new ClientV1(name), new StdioV1(b.stdio), '2025-11-25'),
  'TypeScript v1, http, 2025-11-25': (b) => typescript(new ClientV1(name), new HTTPV1(new URL(b.url), bearer(b)), '2025-11-25'),
  'TypeScript v1, http, fetches its own token': (b) => typescript(new ClientV1(name), new HTTPV1(new URL(b.url), own(CredentialsV1, b)), '2025-11-25'),
  'TypeScript v1, http, no token': (b) => refused(() => new ClientV1(name).connect(new HTTPV1(new URL(b.url)))),
  'TypeScript v2, stdio, 2025-11-25': (b) => typescript(v2('legacy'), new StdioV2(b.stdio), '2025-11-25'),
  'TypeScript v2, stdio, 2026-07-28': (b) => typescript(v2(modern), new StdioV2(b.stdio), '2026-07-28'),
  'TypeScript v2, stdio, chooses 2026-07-28': (b) => typescript(v2('auto'), new StdioV2(b.stdio), '2026-07-28'),
  'TypeScript v2, http, 2025-11-25': (b) => typescript(v2('legacy'), new HTTPV2(new URL(b.url), bearer(b)), '2025-11-25'),
  'TypeScript v2, http, 2026-07-28': (b) => typescript(v2(modern), new HTTPV2(new URL(b.url), bearer(b)), '2026-07-28'),
  'TypeScript v2, http, chooses 2026-07-28': (b) => typescript(v2('auto'), new HTTPV2(new URL(b.url), bearer(b)), '2026-07-28'),
  'TypeScript v2, http, fetches its own token': (b) => typescript(v2('auto'), new HTTPV2(new URL(b.url), own(CredentialsV2, b)), '2026-07-28'),
  'TypeScript v2, http, no token': (b) => refused(() => v2('auto').connect(new HTTPV2(new URL(b.url)))),
  'TypeScript v2 with ext-tasks, http, 2026-07-28': tasks,
  'Go, stdio, 2025-11-25': (b) => go(goStdio(b), '2025-11-25', '2025-11-25'),
  'Go, stdio, chooses 2026-07-28': (b) => go(goStdio(b), '', '2026-07-28'),
  'Go, http, 2025-11-25': (b) => go(goHTTP(b, b.token), '2025-11-25', '2025-11-25'),
  'Go, http, chooses 2026-07-28': (b) => go(goHTTP(b, b.token), '', '2026-07-28'),
  'Go, http, no token': (b) => refused(() => go(goHTTP(b, ''), '', '2026-07-28')),
  'Inspector, stdio, 2025-11-25': (b) => inspector(inspectorStdio(b)),
  'Inspector, http, 2025-11-25': (b) => inspector(inspectorHTTP(b, ['--header', `Authorization: Bearer ${b.token}`])),
  'Inspector, http, 2026-07-28': (b) => inspector(inspectorHTTP(b, ['--protocol-era', 'modern', '--header', `Authorization: Bearer ${b.token}`]), toItsEnd),
  'Inspector, http, no token': (b) => refused(() => inspect(inspectorHTTP(b, []), 'tools/list')),
}
