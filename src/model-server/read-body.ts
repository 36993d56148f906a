// The body of a request as text, up to a limit.
import type { IncomingMessage } from "node:http";
import { Refusal } from "./refusal.ts";

/** Calls one of the two once; neither where the client goes away first. */
export function readBody(
  request: IncomingMessage,
  maxBytes: number,
  onText: (text: string) => void,
  onRefused: (refusal: Refusal) => void,
): void {
  const refuse = () => onRefused(new Refusal(413, `the body is larger than ${maxBytes} bytes`));
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) {
    refuse();
    return;
  }
  const parts: Buffer[] = [];
  let length = 0;
  request.on("data", (part: Buffer) => {
    length += part.length;
    if (length <= maxBytes) parts.push(part);
    else if (length - part.length <= maxBytes) refuse();
  });
  request.on("end", () => {
    if (length > maxBytes) return;
    const [first] = parts;
    onText((parts.length === 1 && first ? first : Buffer.concat(parts, length)).toString("utf8"));
  });
}
