// The official client of the tasks extension: a write is answered as a task,
// polled to its end, and gives its result; a second one is cancelled.
import { randomUUID } from 'node:crypto'

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { createTaskSessionFromClient, resultFromTaskOutcome } from '@modelcontextprotocol/ext-tasks/client'

const revision = '2026-07-28'
const self = { name: 'mcp-clients', version: '1' }
const clientCapabilities = { extensions: { 'io.modelcontextprotocol/tasks': {} } }

/** Sends one message as it is: the SDK's own codec knows no tasks yet. */
function dispatcher(bridge, seen) {
  let id = 0
  return async (request) => {
    const { method, params } = request
    const headers = {
      'content-type': 'application/json', accept: 'application/json, text/event-stream', authorization: `Bearer ${bridge.token}`,
      'mcp-protocol-version': revision, 'mcp-method': method,
    }
    const name = params?.taskId ?? params?.name
    if (name) headers['mcp-name'] = name
    const answer = await fetch(bridge.url, { method: 'POST', headers, body: JSON.stringify({ jsonrpc: '2.0', id: ++id, ...request }) })
    const message = await answer.json()
    seen.push(`${method} ${message.result?.status ?? message.result?.resultType ?? message.error?.code}`)
    return message
  }
}

export async function tasks(bridge) {
  const client = new Client(self, { versionNegotiation: { mode: { pin: revision } }, capabilities: clientCapabilities })
  await client.connect(new StreamableHTTPClientTransport(new URL(bridge.url), { requestInit: { headers: { Authorization: `Bearer ${bridge.token}` } } }))
  const seen = []
  const session = createTaskSessionFromClient(client, {
    endpointId: bridge.url, rawDispatch: dispatcher(bridge, seen), v2RequestFraming: { protocolVersion: revision, clientInfo: self, clientCapabilities },
  })
  const write = (delta) => ({ request_id: randomUUID(), product_id: 1, updates: { stock_delta: delta } })
  try {
    const { outcome } = await (await session.callTool('update_product', write(1))).settle()
    const result = resultFromTaskOutcome(outcome)
    if (result.isError || result.structuredContent?.job?.business_success !== true) throw new Error(`the task ended with ${JSON.stringify(result)}`)
    if (!seen.includes('tools/call working') || !seen.includes('tasks/get completed')) throw new Error(`no task was seen: ${seen}`)
    const second = await session.callTool('update_product', write(2))
    await second.cancel()
    if (!seen.includes('tasks/cancel complete')) throw new Error(`the cancellation was not acknowledged: ${seen}`)
  } finally {
    await session.close()
    await client.close()
  }
}
