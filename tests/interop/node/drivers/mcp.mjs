import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { LoggingMessageNotificationSchema } from "@modelcontextprotocol/sdk/types.js";

export async function read(url, saw) {
  const client = new Client({ name: "client", version: "1" });
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
    saw.note(`text ${params.data}`);
  });
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  try {
    const result = await client.callTool({ name: "tool", arguments: {} });
    saw.note(`text ${result.content[0].text}`);
  } finally {
    // Long enough for a client that comes back although it has its answer.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await client.close();
  }
}
