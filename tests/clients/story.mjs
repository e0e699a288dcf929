// What an official client in TypeScript sees of the server, told as JSON for the tests to judge.
//
// SDK is `sdk` (the 1.x line, sessions) or `client` (the 2.x line, on the modern wire). With URL it connects
// over HTTP with TOKEN as its bearer; without, it starts COMMAND.
const { SDK, URL: url, TOKEN, COMMAND } = process.env;
const old = SDK === "sdk";
const { Client } = await import(old ? "@modelcontextprotocol/sdk/client/index.js" : "@modelcontextprotocol/client");
const { StdioClientTransport } = await import(
  old ? "@modelcontextprotocol/sdk/client/stdio.js" : "@modelcontextprotocol/client/stdio"
);
const { StreamableHTTPClientTransport } = await import(
  old ? "@modelcontextprotocol/sdk/client/streamableHttp.js" : "@modelcontextprotocol/client"
);
const asked = old ? (await import("@modelcontextprotocol/sdk/types.js")).ElicitRequestSchema : "elicitation/create";

function transport(token) {
  if (url) {
    const requestInit = { headers: token ? { authorization: `Bearer ${token}` } : {} };
    return new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit });
  }
  const [command, ...args] = JSON.parse(COMMAND);
  return new StdioClientTransport({ command, args });
}

async function connected(capabilities, onAsked, token = TOKEN) {
  const options = { capabilities, ...(old ? {} : { versionNegotiation: { mode: { pin: "2026-07-28" } } }) };
  const client = new Client({ name: "story", version: "1.0.0" }, options);
  if (onAsked) client.setRequestHandler(asked, onAsked);
  await client.connect(transport(token));
  return client;
}

// A tool's structured answer; `more` are the options of the request.
async function call(client, name, args = {}, more = undefined) {
  const params = { name, arguments: args };
  const result = old ? await client.callTool(params, undefined, more) : await client.callTool(params, more);
  return { ...result.structuredContent, isError: result.isError ?? false, text: result.content[0].text };
}

async function refusal(asking) {
  try {
    return { answered: await asking() };
  } catch (error) {
    return { code: error.code, message: error.message, data: error.data };
  }
}

// How the server answers once it is free. Over HTTP the server of the tests takes one call at a time, so that
// it is busy as long as a call still runs that was given up.
async function idle(client) {
  for (let attempt = 0; attempt < 200; attempt++) {
    const { code, status } = await call(client, "list_queues");
    if (code !== "busy") return code ?? status;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return "busy";
}

const told = {};

// A client whose person can be asked.
const questions = [];
const answers = [
  { action: "decline" },
  { action: "cancel" },
  { action: "accept", content: { confirm: false } },
  { action: "accept", content: { confirm: true } },
];
const client = await connected({ elicitation: {} }, (request) => {
  questions.push(request.params);
  const next = answers.shift();
  return typeof next === "function" ? next() : next;
});
told.server = client.getServerVersion();
told.instructions = client.getInstructions();
told.protocol = old ? "2025-11-25" : client.getNegotiatedProtocolVersion();
told.tools = (await client.listTools()).tools.map((each) => each.name);
told.calls = await call(client, "list_calls", { limit: 100 });
const withStatus = (status) => told.calls.items.find((each) => each.status === status).sid;

const hangUp = { call_sid: withStatus("in-progress"), Status: "completed" };
told.answered = [];
for (const _ of [...answers]) told.answered.push(await call(client, "update_call", hangUp));
told.questions = [...questions];

// A yes that comes when the call has been given up already.
const tooLate = new AbortController();
answers.push(() => {
  tooLate.abort("too late");
  return { action: "accept", content: { confirm: true } };
});
const spared = told.calls.items.filter((each) => each.status === "in-progress")[1].sid;
const sparing = { ...hangUp, call_sid: spared };
told.abandoned = await refusal(() => call(client, "update_call", sparing, { signal: tooLate.signal }));
await idle(client);

// Nobody answers; a report comes with each look, a second before the next one and before the answer.
const ringing = { call_sid: withStatus("ringing"), wait_for: "completed" };
const reports = [];
const briefly = { ...ringing, max_wait_seconds: 3 };
told.waited = await call(client, "get_call", briefly, { onprogress: (report) => reports.push(report) });
told.progress = reports;

// Given up while it waits; then the server is asked something else.
const giveUp = new AbortController();
const options = { signal: giveUp.signal, onprogress: () => giveUp.abort("given up") };
told.givenUp = await refusal(() => call(client, "get_call", { ...ringing, max_wait_seconds: 25 }, options));
told.afterwards = await idle(client);

told.prompts = (await client.listPrompts()).prompts.map((each) => each.name);
told.prompt = await client.getPrompt({
  name: "place_call_and_report",
  arguments: { to: "+13125550142", message: "Hello & goodbye" },
});
told.resources = (await client.listResources()).resources.map((each) => each.uri);
told.templates = (await client.listResourceTemplates()).resourceTemplates.map((each) => each.uriTemplate);
told.verbs = JSON.parse((await client.readResource({ uri: "texml://verbs" })).contents[0].text);
told.completed = await client.complete({
  ref: { type: "ref/resource", uri: "texml://calls/{call_sid}" },
  argument: { name: "call_sid", value: hangUp.call_sid.slice(0, 10) },
});
told.noTool = await refusal(() => call(client, "call_everyone"));
told.noResource = await refusal(() => client.readResource({ uri: "texml://nothing" }));
told.spared = await call(client, "get_call", { call_sid: spared });
await client.close();

// A client that shows no forms.
const plain = await connected({});
const found = await call(plain, "list_calls", { limit: 100 });
const live = found.items.find((each) => each.status === "in-progress");
const ending = { call_sid: live.sid, Status: "completed" };
told.first = await call(plain, "update_call", ending);
const second = { ...ending, confirm_token: told.first.confirm_token };
told.second = await call(plain, "update_call", second);
told.replayed = await call(plain, "update_call", second);
await plain.close();

if (url) {
  for (const [name, token] of [["nobody", ""], ["wrong", `${TOKEN}x`]]) {
    told[name] = await refusal(async () => (await connected({}, undefined, token)).close());
  }
}

console.log(JSON.stringify(told));
// A stdio server is ended by closing its pipe; nothing else may hold the process.
process.exit(0);
