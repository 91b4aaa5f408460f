// node run.mjs DRIVER JSON: lets a driver read at `[{"url": "...", "silence": SECONDS}, ...]`, all at the
// same time, and prints what its user sees.
import { observe } from "./observe.mjs";

const [driver, places] = process.argv.slice(2);
const { read } = await import(`./drivers/${driver}.mjs`);
const print = (seen) => console.log(JSON.stringify(seen));
await Promise.all(JSON.parse(places).map((place) => observe(read, place, print)));
// Some clients leave timers and connections.
process.exit();
