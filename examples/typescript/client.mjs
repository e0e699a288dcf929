// A client without forms, on the TypeScript SDK: the token step.
//
//   npm install && node client.mjs
//
// TEXML_MCP_COMMAND names the command when texml-mcp is not on the PATH.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const [command, ...first] = (process.env.TEXML_MCP_COMMAND ?? "texml-mcp").split(" ");
const transport = new StdioClientTransport({ command, args: [...first, "serve", "--sandbox"] });
const client = new Client({ name: "typescript-example", version: "1.0.0" });

async function call(name, args = {}) {
  const result = await client.callTool({ name, arguments: args });
  const story = result.structuredContent;
  console.log(`${name} > ${story.status}: ${story.summary}`);
  return story;
}

await client.connect(transport);
const { tools } = await client.listTools();
console.log(`${tools.length} tools`);

const calls = await call("list_calls", { Status: "completed" });
console.log(`  first: ${calls.items[0].sid}`);

const { items: applications } = await call("list_applications");
const placing = {
  To: "+13125550142",
  From: "+13125550100",
  ApplicationSid: applications.find((each) => each.active).id,
  Texml: "<Response><Say>Good morning!</Say></Response>",
};
const asked = await call("create_call", placing);
// Here a host shows asked.preview to its user. This program is its own user, and says yes.
await call("create_call", { ...placing, confirm_token: asked.confirm_token });
const replayed = await call("create_call", { ...placing, confirm_token: asked.confirm_token });
console.log(`  the same token again: ${replayed.status}`);

await client.close();
