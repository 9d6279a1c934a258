// The course that every client takes: all six tools, a write followed to its
// end, and refusals. Request ids are new for each client.
import { randomUUID } from 'node:crypto'

export const tools = ['get_product', 'get_order', 'get_job_status', 'update_product', 'import_products', 'update_order_status']

/** The calls in order: `job` follows the call's job until it is done. */
export function course() {
  const id = randomUUID()
  const write = { request_id: id, product_id: 1, updates: { stock_delta: 1 } }
  return [
    { tool: 'get_product', arguments: { product_id: 1 }, want: { id: 1 } },
    { tool: 'get_order', arguments: { order_id: 2 }, want: { id: 2 } },
    { tool: 'update_product', arguments: write, want: { status: 'accepted', business_success: null }, job: true },
    { tool: 'update_product', arguments: write, want: { status: 'succeeded' } },
    {
      tool: 'import_products', want: { status: 'accepted' }, job: true,
      arguments: { request_id: randomUUID(), batch_id: id, items: [{ reference: `CLIENT-${id.slice(0, 8)}`, name: { en: 'Tray' }, price_ht: 12.5, stock_quantity: 4 }] },
    },
    { tool: 'update_order_status', arguments: { request_id: randomUUID(), order_id: 2, new_status: 'processing' }, want: { status: 'accepted' }, job: true },
    { tool: 'update_product', arguments: { request_id: randomUUID(), product_id: 1, updates: { price_ttc: 10 } }, isError: true, want: { error_code: 'policy_refused', rule: 'ht-only' } },
    { tool: 'get_product', arguments: { product_id: 'mug' }, isError: true, want: { error_code: 'schema_violation' } },
  ]
}

/** Holds a tool's result to its step. */
export function check(step, result) {
  const got = result.structuredContent ?? {}
  if (Boolean(result.isError) !== Boolean(step.isError)) throw new Error(`${step.tool}: isError ${result.isError}: ${JSON.stringify(got)}`)
  for (const [member, value] of Object.entries(step.want ?? {})) {
    if (got[member] !== value) throw new Error(`${step.tool}: ${member} is ${JSON.stringify(got[member])}, want ${JSON.stringify(value)}`)
  }
  return got
}

/** Takes the course with a function that calls a tool. */
export async function take(call, steps = course()) {
  for (const step of steps) {
    const got = check(step, await call(step.tool, step.arguments))
    if (!step.job) continue
    const wait = { tool: 'get_job_status', arguments: { job_id: got.job_id, wait_seconds: 20 }, want: { business_success: true } }
    check(wait, await call(wait.tool, wait.arguments))
  }
}
