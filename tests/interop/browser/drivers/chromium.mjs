import { watch } from "/node/observe.mjs";

export const read = (url, saw) => watch(new EventSource(url), saw);
