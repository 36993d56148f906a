// A service's door as an agent would run it: `PORT REPLICA REPLICA`, with a token where TOKEN is set.
import { hash } from "node:crypto";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { createBalancer } from "../../src/front/balancer/balancer.ts";
import { createServiceDoor } from "../../src/front/balancer/service-door.ts";

const [port = 0, ...replicas] = process.argv.slice(2).map(Number);
const token = process.env["TOKEN"];
const digest = token === undefined ? null : hash("sha256", token, "buffer");
const balancer = createBalancer({ clock: systemClock });
balancer.route(
  replicas.map((replica, index) => ({
    id: `r${index}`,
    upstream: { host: "127.0.0.1", port: replica, headers: {} },
  })),
);
const door = createServiceDoor({
  balancer,
  clock: systemClock,
  log: silentLog,
  name: "iris",
  tokenDigest: () => digest,
  metricsPath: "/metrics",
  healthPath: "/health",
  state: () => ({ state: "awake", why: "" }),
  wake: async () => {},
  holdMs: () => 10_000,
  maxBodyBytes: () => 10_000_000,
  used: () => {},
});
await door.listen(port, "127.0.0.1");
process.on("SIGINT", () => process.exit());
