// A bridge on the stand-in shop, both of them processes of their own, and the
// proxy for clients that cannot send a token.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const binary = process.env.BRIDGE
// These secrets open nothing but a bridge on loopback that lives for minutes.
export const client = { id: 'mcp-clients', secret: 'mcp-clients-secret-of-a-short-life' }

/** Starts a part of the bridge and waits for the line that says it is ready. */
function start(args, env, ready) {
  const child = spawn(binary, args, { env, stdio: ['ignore', 'inherit', 'pipe'] })
  let said = ''
  const found = new Promise((resolve, reject) => {
    child.stderr.on('data', (text) => {
      said = (said + text).slice(-20000)
      const match = said.match(ready)
      if (match) resolve(match[1])
    })
    child.on('error', reject)
    child.on('exit', (code) => reject(new Error(`bridge ${args[0]} ended with ${code}:\n${said}`)))
  })
  const stop = () => new Promise((resolve) => {
    if (child.exitCode !== null) return resolve()
    child.on('exit', resolve)
    child.kill('SIGTERM')
  })
  return found.then((address) => ({ address, stop }))
}

export async function startBridge() {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-clients-'))
  const shop = await start(['sandbox', '--listen', '127.0.0.1:0'], { PATH: process.env.PATH }, /ready: .* at (http:\S+)/)
  const env = (name) => ({
    PATH: process.env.PATH, HOME: folder, APP_ENV: 'dev', STATE_DIR: join(folder, name), DATABASE_URL: `sqlite:${join(folder, name, 'bridge.db')}`,
    OAUTH_CLIENT_ID: client.id, OAUTH_CLIENT_SECRET: client.secret, HMAC_SECRET_CURRENT: 'mcp-clients-signing-secret-of-a-short-life',
    PRESTASHOP_URL: shop.address, PRESTASHOP_WS_KEY: 'SANDBOXSANDBOXSANDBOXSANDBOX0001', PRESTASHOP_EMPLOYEE_ID: '0',
    RATE_LIMIT_READ: '100000', RATE_LIMIT_WRITE: '100000',
  })
  const served = await start(['serve', '--listen', '127.0.0.1:0'], env('http'), /"msg":"ready".*"base_url":"([^"]+)"/)
  const answer = await fetch(`${served.address}/oauth/token`, {
    method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials', client_id: client.id, client_secret: client.secret }),
  })
  const token = (await answer.json()).access_token
  const proxy = await startProxy(new URL(served.address), token)
  return {
    url: `${served.address}/mcp`, issuer: served.address, token, proxied: proxy.url,
    stdio: { command: binary, args: ['mcp'], env: env('stdio'), stderr: 'ignore' },
    async stop() {
      proxy.stop()
      await served.stop()
      await shop.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

// The tools that the suite's tasks scenarios call, as calls of ours: what the
// suite looks at is the task, and that is the bridge's own.
const write = () => ['update_product', { request_id: crypto.randomUUID(), product_id: 1, updates: { stock_delta: 1 } }]
const fixtures = {
  greet: () => ['get_product', { product_id: 1 }],
  slow_compute: write,
  confirm_delete: write,
  failing_job: () => ['import_products', {
    request_id: crypto.randomUUID(), batch_id: crypto.randomUUID(), options: { create_if_missing: false },
    items: [{ reference: 'NOT-THERE', name: { en: 'None' }, price_ht: 1, stock_quantity: 1 }],
  }],
}

function translated(body, headers) {
  let message
  try { message = JSON.parse(body) } catch { return body }
  const name = message?.params?.name
  if (message.method !== 'tools/call' || !Object.hasOwn(fixtures, name)) return body
  ;[message.params.name, message.params.arguments] = fixtures[name]()
  if (headers['mcp-name'] === name) headers['mcp-name'] = message.params.name
  return JSON.stringify(message)
}

/** The suite cannot send a token. Host and Origin pass as they come. */
function startProxy(upstream, token) {
  const server = http.createServer((req, res) => {
    const chunks = []
    req.on('data', (chunk) => chunks.push(chunk))
    req.on('end', () => {
      const headers = { ...req.headers, authorization: `Bearer ${token}` }
      delete headers['transfer-encoding']
      const body = translated(Buffer.concat(chunks).toString(), headers)
      if (body.length > 0) headers['content-length'] = Buffer.byteLength(body)
      const up = http.request({ host: upstream.hostname, port: upstream.port, path: req.url, method: req.method, headers, setHost: false }, (answer) => {
        res.writeHead(answer.statusCode, answer.headers)
        answer.pipe(res)
      })
      up.on('error', () => res.destroy())
      res.on('close', () => up.destroy())
      up.end(body)
    })
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve({
    url: `http://127.0.0.1:${server.address().port}/mcp`,
    stop() { server.close(); server.closeAllConnections() },
  })))
}
