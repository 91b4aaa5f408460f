// Decodes with eventsource-parser. Reads one command per line:
//   load FILE CHUNK_LEN   takes the stream, in chunks
//   decode                decodes it and answers with the CPU time in microseconds
//   digest                decodes it and answers with events, bytes of data, hash
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { createParser } from "eventsource-parser";

let chunks = [];

function decode(onEvent) {
  const decoder = new TextDecoder();
  const parser = createParser({ onEvent });
  for (const chunk of chunks) {
    parser.feed(decoder.decode(chunk, { stream: true }));
  }
}

function digest() {
  let events = 0;
  let dataLen = 0;
  let hash = 0x811c9dc5;
  const add = (bytes) => {
    for (const byte of bytes) {
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    hash = Math.imul(hash ^ 0xff, 0x01000193);
  };
  decode(({ event, id, data }) => {
    const bytes = Buffer.from(data);
    events += 1;
    dataLen += bytes.length;
    add(Buffer.from(event || "message"));
    add(Buffer.from(id ?? ""));
    add(bytes);
  });
  return `${events} ${dataLen} ${hash >>> 0}`;
}

let consumed = 0;

for await (const line of createInterface({ input: process.stdin })) {
  const [command, file, chunkLen] = line.split(" ");
  if (command === "load") {
    const stream = readFileSync(file);
    chunks = [];
    for (let at = 0; at < stream.length; at += Number(chunkLen)) {
      chunks.push(stream.subarray(at, at + Number(chunkLen)));
    }
    console.log("loaded");
  } else if (command === "decode") {
    const before = process.cpuUsage();
    decode(({ data }) => {
      consumed += data.length;
    });
    const { user, system } = process.cpuUsage(before);
    console.log(`${user + system} ${consumed}`);
  } else if (command === "digest") {
    console.log(digest());
  }
}
