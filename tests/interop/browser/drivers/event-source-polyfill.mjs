import { watch } from "/node/observe.mjs";
// It defines `EventSourcePolyfill`.
import "/package/event-source-polyfill/src/eventsource.js";

export const read = (url, saw) => watch(new EventSourcePolyfill(url), saw);
