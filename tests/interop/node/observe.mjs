// What the user of a client sees at one URL, as one object per line.

// How long a client may be silent at first, in seconds.
const START = 40;

// Runs `read(url, saw)` until the client is done by itself, until it got the last event, or until it was
// silent for so many seconds since the last news. `print` gets the objects.
export async function observe(read, { url, silence }, print) {
  const closed = new AbortController();
  let finish;
  const finished = new Promise((resolve) => { finish = resolve; });
  let timer;
  function report(seen) {
    if (closed.signal.aborted) return;
    print({ url, ...seen });
    wait(silence);
  }
  function wait(seconds) {
    clearTimeout(timer);
    timer = setTimeout(() => { report({ note: "silence" }); finish(); }, seconds * 1000);
  }
  const saw = {
    // Aborted when the client is to close.
    closed: closed.signal,
    event(type, data, id) {
      report({ event: [type, data, id ?? null] });
      if (data === "last") finish();
    },
    note(note) { report({ note }); },
    // The client is done, maybe for this reason.
    end(note) { if (note) report({ note }); finish(); },
  };
  wait(START);
  read(url, saw).then(() => saw.end("end"), (error) => saw.end(`error ${error?.name ?? error}`));
  await finished;
  clearTimeout(timer);
  closed.abort();
}

// Observes anything that has the interface of an `EventSource`.
export function watch(source, saw) {
  for (const type of ["message", "update", "failed", "position"]) {
    source.addEventListener(type, (event) => saw.event(event.type, event.data, event.lastEventId));
  }
  source.addEventListener("error", () => {
    if (source.readyState === 2) {
      saw.note("closed");
      // Long enough for a client that nevertheless comes back.
      setTimeout(() => saw.end(), 1500);
    } else saw.note(source.readyState === 0 ? "reconnects" : "error");
  });
  saw.closed.addEventListener("abort", () => source.close());
  return new Promise(() => {});
}
