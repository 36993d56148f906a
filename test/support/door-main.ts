// The program that door-process.ts starts: a door before the port it is given; prints its own port; ends with stdin.
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { createDoorServer } from "../../src/front/proxy/door-server.ts";

const upstream = { host: "127.0.0.1", port: Number(process.argv[2]), headers: {} };
const door = createDoorServer({
  clock: systemClock,
  log: silentLog,
  local: (_request, response) => response.end(),
  decide: () => ({ kind: "forward", upstream, session: "s" }),
});
process.stdin.on("end", () => process.exit()).resume();
console.log(await door.listen(0, "127.0.0.1"));
