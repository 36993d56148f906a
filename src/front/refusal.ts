// A door's short answer to what may not pass.
import type { Decision } from "./proxy/door.ts";

/** JSON with one sentence; for WebSocket handshakes too, before anything is dialled. */
export function refusal(status: number, message: string): Decision {
  return {
    kind: "refuse",
    status,
    body: JSON.stringify({ message }),
    contentType: "application/json; charset=utf-8",
  };
}
