import { fetchEventSource } from "/package/@microsoft/fetch-event-source/lib/esm/index.js";

export const read = (url, saw) => fetchEventSource(url, {
  signal: saw.closed,
  openWhenHidden: true,
  onmessage: ({ event, data, id }) => saw.event(event || "message", data, id),
  // As it is without a callback: it returns nothing, so that the client reconnects.
  onerror: () => saw.note("reconnects"),
});
