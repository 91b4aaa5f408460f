import { watch } from "/node/observe.mjs";
import EventSource from "/package/react-native-sse/src/EventSource.js";

export const read = (url, saw) => watch(new EventSource(url), saw);
