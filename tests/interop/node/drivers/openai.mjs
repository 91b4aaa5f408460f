import OpenAI from "openai";

export async function read(url, saw) {
  const client = new OpenAI({ apiKey: "none", baseURL: url, maxRetries: 0 });
  const messages = [{ role: "user", content: "hello" }];
  const stream = await client.chat.completions.create({ model: "model", messages, stream: true });
  for await (const chunk of stream) {
    saw.note(`text ${chunk.choices[0].delta.content ?? chunk.choices[0].finish_reason}`);
  }
}
