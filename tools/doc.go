// Package tools is the MCP door: the six operations as MCP tools, with a few
// resources and prompts, over stdio and streamable HTTP, for protocol revisions
// 2024-11-05 to 2026-07-28 on the same pipe and the same endpoint.
//
// It translates and nothing else. Rules, scopes, rates and idempotency are its
// Desk's; payloads are schemas'; the protocol itself is mcp-go's. It
// knows no SQL, no Redis, no PrestaShop and nothing of the REST door.
//
// Every message passes message.go first, which reads the JSON-RPC envelope
// strictly and takes a tool call's arguments out of it as the text that was
// sent: mcp-go would hand them on as float64 and keep the last of two equal
// keys, so that the two doors would come to different verdicts. Read door.go
// for what is served, tool.go for the path of a call, result.go for what comes
// back, task.go for jobs as tasks, then stdio.go and http.go for the two
// transports.
package tools
