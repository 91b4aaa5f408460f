// Listens to the stream at the path of a request, with the EventSource of Bun, Deno or workerd, until an
// event of the type `done` or the end for good. Answers with what happened, or null without EventSource.
export default {
  hostname: "127.0.0.1",
  async fetch(request) {
    if (typeof EventSource === "undefined") return Response.json(null);
    return Response.json(await listen(process.env.UPSTREAM + new URL(request.url).pathname));
  },
};

function listen(url) {
  return new Promise(resolve => {
    const source = new EventSource(url), happened = [];
    for (const type of ["message", "named"]) {
      source.addEventListener(type, ({ data, lastEventId }) => happened.push([type, data, lastEventId]));
    }
    source.addEventListener("open", () => happened.push("open"));
    source.addEventListener("error", () => {
      happened.push(source.readyState === EventSource.CLOSED ? "closed" : "reconnecting");
      if (source.readyState === EventSource.CLOSED) resolve(happened);
    });
    source.addEventListener("done", () => {
      source.close();
      resolve(happened);
    });
  });
}
