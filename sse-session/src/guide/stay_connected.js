/**
 * Opens an EventSource, and a new one whenever the browser has ended it: after
 * an answer that is not an event stream, such as the 502 of a proxy while the
 * server restarts. `listeners` has a function for each type of event, `open`,
 * `error` and `message` included. `init` is passed to EventSource. The result's
 * `close()` ends all of it.
 */
function stayConnected(url, listeners, init) {
  const target = new URL(url, location.href);
  let source, timer, failures = 0;

  function connect() {
    source = new EventSource(target, init);
    source.addEventListener("open", () => { failures = 0; });
    source.addEventListener("error", () => {
      // In any other state, the browser reconnects by itself.
      if (source.readyState !== EventSource.CLOSED) return;
      const pause = Math.min(1000 * 2 ** failures, 30_000);
      failures += 1;
      timer = setTimeout(connect, pause * (0.5 + Math.random() / 2));
    });
    for (const [type, listener] of Object.entries(listeners)) {
      source.addEventListener(type, event => {
        // A new EventSource has no last event ID, so that its URL has to name
        // it. It is empty until an event has one.
        const { lastEventId } = event;
        if (lastEventId) target.searchParams.set("lastEventId", lastEventId);
        listener(event);
      });
    }
  }

  connect();
  return { close() { clearTimeout(timer); source.close(); } };
}
