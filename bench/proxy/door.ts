// A front door as a gateway would run it: `PORT BACKEND`. Each request's cookie is looked up before it is forwarded.
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { createDoorServer } from "../../src/front/proxy/door-server.ts";

const [port, backend] = process.argv.slice(2).map(Number);
const upstream = {
  host: "127.0.0.1",
  port: backend ?? 0,
  headers: { Authorization: "token 0123456789abcdef" },
};
const sessions = new Map(
  Array.from({ length: 1_000 }, (_, index) => [`cookie-${index}`, `session-${index}`]),
);
const refusal = {
  kind: "refuse",
  status: 401,
  body: '{"message":"No session."}',
  contentType: "application/json",
} as const;

const door = createDoorServer({
  clock: systemClock,
  log: silentLog,
  local: (_request, response) => response.end(),
  decide(request) {
    const value = /(?:^|; )sesta_lab=([^;]*)/.exec(request.header("cookie") ?? "")?.[1];
    const session = value === undefined ? undefined : sessions.get(value);
    return session === undefined ? refusal : { kind: "forward", upstream, session };
  },
});
await door.listen(port ?? 0, "127.0.0.1");
