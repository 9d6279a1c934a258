// Connects official MCP clients to a running bridge: each finds the
// authorization server by itself, sends a browser to its pages, and calls a
// tool with what it was given. See run.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync, mkdirSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import path from "node:path";
import readline from "node:readline";

import { chromium } from "playwright-core";
import * as v2 from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { PrivateKeyJwtProvider } from "@modelcontextprotocol/sdk/client/auth-extensions.js";

const folder = process.env.FOLDER;
const program = path.join(folder, "bridge");
const password = randomBytes(12).toString("hex");
const closers = [];

const env = {
  PATH: process.env.PATH, HOME: folder, APP_ENV: "test", STATE_DIR: path.join(folder, "state"),
  OAUTH_CLIENT_ID: "configured", OAUTH_CLIENT_SECRET: randomBytes(32).toString("hex"), HMAC_SECRET_CURRENT: randomBytes(32).toString("hex"),
  PRESTASHOP_WS_KEY: "SANDBOXSANDBOXSANDBOXSANDBOX0001", SSL_CERT_FILE: path.join(folder, "tls.crt"),
};

// start runs a part of the bridge and gives the address it says it is ready at.
function start(args, ready) {
  const child = spawn(program, args, { env, cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  closers.push(() => new Promise((done) => { child.once("exit", done); child.kill(); }));
  const log = [];
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`${args[0]} ended with ${code}:\n${log.join("\n")}`)));
    readline.createInterface({ input: child.stderr }).on("line", (line) => {
      log.push(line);
      const found = line.match(ready);
      if (found) resolve(found[1]);
    });
  });
}

// command runs a command of the bridge to its end.
function command(args, input = "") {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, cwd: folder, stdio: ["pipe", "pipe", "inherit"] });
    let out = "";
    child.stdout.on("data", (data) => { out += data; });
    child.once("exit", (code) => (code === 0 ? resolve(out) : reject(new Error(`bridge ${args.join(" ")} ended with ${code}`))));
    child.stdin.end(input);
  });
}

function listen(server) {
  closers.push(() => new Promise((done) => { server.close(done); server.closeAllConnections(); }));
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));
}

// callbacks is where browsers end up: the redirect URI of all clients here.
let arrived = () => {};
const callbackPort = await listen(http.createServer((req, res) => {
  const url = new URL(req.url, "http://127.0.0.1");
  // Closed each time, so that no case waits for a connection of the one before.
  res.writeHead(200, { Connection: "close", "Content-Type": "text/plain" });
  res.end("You can close this page.");
  if (url.pathname === "/callback") arrived(url.searchParams);
}));
const redirectUrl = `http://127.0.0.1:${callbackPort}/callback`;

// The metadata document of an app that is registered nowhere.
const tls = { key: readFileSync(path.join(folder, "tls.key")), cert: readFileSync(path.join(folder, "tls.crt")) };
const documentPort = await listen(https.createServer(tls, (req, res) => {
  res.setHeader("Content-Type", "application/json");
  res.end(JSON.stringify({ client_id: documentURL, client_name: "Far App", redirect_uris: ["http://127.0.0.1/callback"], token_endpoint_auth_method: "none" }));
}));
const documentURL = `https://127.0.0.1:${documentPort}/client.json`;
env.OAUTH_CLIENT_DOCUMENTS = `127.0.0.1:${documentPort}`;

const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

// drive is the person: logs in unless they still are, looks at the consent
// page and decides. browser is a phone without scripts.
async function drive(browser, url, decision, picture) {
  const page = await browser.newPage();
  const back = new Promise((resolve) => { arrived = resolve; });
  const shoot = async (name) => {
    if (!process.env.SCREENSHOTS) return;
    mkdirSync(process.env.SCREENSHOTS, { recursive: true });
    await page.screenshot({ path: path.join(process.env.SCREENSHOTS, `${name}.png`), fullPage: true });
  };
  await page.goto(String(url));
  if (await page.getByLabel("Password").isVisible()) {
    await page.getByLabel("Operator name").fill("ada");
    await page.getByLabel("Password").fill(password);
    await shoot("login");
    await page.getByRole("button", { name: "Log in" }).click();
  }
  await page.getByRole("heading", { name: "Connect this app?" }).waitFor();
  await shoot(`consent-${picture}`);
  await page.getByRole("button", { name: decision, exact: true }).click();
  const answer = await back;
  await page.getByText("You can close this page.").waitFor();
  await page.close();
  return answer;
}

// provider is an app's side of OAuth, as small as the SDKs allow.
function provider({ clientId, clientMetadataUrl }) {
  const kept = {};
  return {
    kept, redirectUrl, clientMetadataUrl,
    clientMetadata: { client_name: "connect", redirect_uris: [redirectUrl], token_endpoint_auth_method: "none" },
    state: () => (kept.state = randomBytes(8).toString("hex")),
    clientInformation: () => kept.client ?? (clientId ? { client_id: clientId } : undefined),
    saveClientInformation: (client) => { kept.client = client; },
    tokens: () => kept.tokens,
    saveTokens: (tokens) => { kept.tokens = tokens; },
    redirectToAuthorization: (url) => { kept.url = url; },
    saveCodeVerifier: (verifier) => { kept.verifier = verifier; },
    codeVerifier: () => kept.verifier,
    discoveryState: () => kept.discovery,
    saveDiscoveryState: (discovery) => { kept.discovery = discovery; },
  };
}

async function product(client) {
  const result = await client.callTool({ name: "get_product", arguments: { product_id: 1 } });
  assert.equal(result.isError ?? false, false, JSON.stringify(result));
  assert.equal(result.structuredContent.id, 1);
}

async function connectV1(browser, how, picture) {
  const app = provider(how);
  const open = () => new StreamableHTTPClientTransport(new URL(`${base}/mcp`), { authProvider: app });
  const first = open();
  await assert.rejects(new Client({ name: "v1", version: "1" }).connect(first), UnauthorizedError);
  const answer = await drive(browser, app.kept.url, "Connect", picture);
  assert.equal(answer.get("state"), app.kept.state);
  assert.equal(answer.get("iss"), base);
  await first.finishAuth(answer.get("code"));
  const client = new Client({ name: "v1", version: "1" });
  await client.connect(open());
  await product(client);
  await client.close();
  // The access token ends; the SDK refreshes by itself.
  const before = app.kept.tokens.refresh_token;
  app.kept.tokens = { ...app.kept.tokens, access_token: "ended" };
  const later = new Client({ name: "v1", version: "1" });
  await later.connect(open());
  await product(later);
  await later.close();
  assert.notEqual(app.kept.tokens.refresh_token, before);
}

async function connectV2(browser) {
  const app = provider({ clientId: "desktop" });
  const open = () => new v2.StreamableHTTPClientTransport(new URL(`${base}/mcp`), { authProvider: app });
  const first = open();
  await assert.rejects(new v2.Client({ name: "v2", version: "2" }).connect(first), v2.UnauthorizedError);
  const answer = await drive(browser, app.kept.url, "Connect", "v2");
  await first.finishAuth(answer);
  const client = new v2.Client({ name: "v2", version: "2" });
  await client.connect(open());
  await product(client);
  await client.close();
}

function connectGo(browser, clientId) {
  return new Promise((resolve, reject) => {
    const child = spawn(path.join(folder, "gosdk"), [`${base}/mcp`, clientId, redirectUrl], { env, stdio: ["pipe", "pipe", "inherit"] });
    child.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`the go-sdk client ended with ${code}`))));
    readline.createInterface({ input: child.stdout }).on("line", (url) => {
      drive(browser, url, "Connect", "go").then((answer) => child.stdin.end(`${answer}\n`), reject);
    });
  });
}

async function connectByKey() {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const file = path.join(folder, "jwks.json");
  writeFileSync(file, JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), use: "sig", alg: "ES256" }] }));
  await command(["clients", "add", "robot", "--scopes", "bridge:read", "--jwks-file", file, "--reason", "test"]);
  const authProvider = new PrivateKeyJwtProvider({ clientId: "robot", privateKey: privateKey.export({ type: "pkcs8", format: "pem" }), algorithm: "ES256", expectedIssuer: base });
  const client = new Client({ name: "key", version: "1" });
  await client.connect(new StreamableHTTPClientTransport(new URL(`${base}/mcp`), { authProvider }));
  await product(client);
  await client.close();
}

async function refused(browser) {
  const app = provider({ clientId: "desktop" });
  const transport = new StreamableHTTPClientTransport(new URL(`${base}/mcp`), { authProvider: app });
  await assert.rejects(new Client({ name: "v1", version: "1" }).connect(transport), UnauthorizedError);
  const answer = await drive(browser, app.kept.url, "Refuse", "refused");
  assert.equal(answer.get("error"), "access_denied");
  assert.equal(answer.get("code"), null);
}

// within bounds a case, so that one that hangs is told like one that fails.
function within(ms, work) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`nothing after ${ms / 1000} s`)), ms); });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

let base = "";
let failed = 0;
try {
  env.PRESTASHOP_URL = await start(["sandbox", "--listen", "127.0.0.1:0"], /ready: .* at (http:\S+)/);
  await command(["operators", "add", "ada", "--reason", "test"], `${password}\n`);
  await command(["clients", "add", "desktop", "--name", "Desktop App", "--redirect-uri", "http://127.0.0.1/callback", "--public", "--reason", "test"]);
  base = await start(["serve", "--listen", "127.0.0.1:0"], /"msg":"ready".*"base_url":"([^"]+)"/);
  const chrome = await chromium.launch({ executablePath: process.env.CHROMIUM, args: flags });
  closers.push(() => chrome.close());
  const browser = await chrome.newContext({ viewport: { width: 390, height: 844 }, javaScriptEnabled: false });
  for (const [name, connect] of [
    ["TypeScript SDK 1, registered client, refresh", () => connectV1(browser, { clientId: "desktop" }, "registered")],
    ["TypeScript SDK 1, metadata document, refresh", () => connectV1(browser, { clientMetadataUrl: documentURL }, "document")],
    ["TypeScript SDK 1, private_key_jwt", connectByKey],
    ["TypeScript SDK 2, registered client", () => connectV2(browser)],
    ["go-sdk, registered client", () => connectGo(browser, "desktop")],
    ["go-sdk, metadata document", () => connectGo(browser, documentURL)],
    ["refused by the person", () => refused(browser)],
  ]) {
    try {
      await within(30_000, connect());
      console.log(`ok      ${name}`);
    } catch (error) {
      failed++;
      console.log(`FAILED  ${name}: ${error.stack}`);
    }
  }
} finally {
  for (const close of closers.reverse()) await close();
}
process.exitCode = failed === 0 ? 0 : 1;
