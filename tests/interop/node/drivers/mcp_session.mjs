import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { LoggingMessageNotificationSchema } from "@modelcontextprotocol/sdk/types.js";

// Two calls at the same time, then the end of the session.
export async function read(url, saw) {
  const client = new Client({ name: "client", version: "1" });
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
    saw.note(`message ${params.data}`);
  });
  const transport = new StreamableHTTPClientTransport(new URL(url));
  await client.connect(transport);
  const { tools } = await client.listTools();
  saw.note(`tools ${tools.map((tool) => tool.name)}`);
  const calls = ["ada", "bob"].map((name) => client.callTool({ name: "count", arguments: { name } }));
  for (const { content } of await Promise.all(calls)) saw.note(`result ${content[0].text}`);

  const session = transport.sessionId;
  await transport.terminateSession();
  const headers = { "mcp-session-id": session, accept: "text/event-stream" };
  const { status } = await fetch(url, { headers });
  saw.note(`afterwards ${status}`);
  await client.close();
}
