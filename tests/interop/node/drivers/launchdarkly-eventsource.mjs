import { EventSource } from "launchdarkly-eventsource";
import { watch } from "../observe.mjs";

export const read = (url, saw) => watch(new EventSource(url), saw);
