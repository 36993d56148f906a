// A request to a wake function, whatever cloud it came through, and what is answered.
import type { RequestHead } from "../front/request-head.ts";

export type WakeRequest = RequestHead & {
  /** Below the stage: "/start". */
  path: string;
  /** What follows the `?`, still encoded. */
  query: string;
  body: string;
  /** Address of the client, as the cloud saw it. */
  address: string;
};

export type Answer = { status: number; headers: Record<string, string>; body: string };

export function sayJson(status: number, message: string, retryAfterSeconds?: number): Answer {
  const headers: Record<string, string> = {
    "Content-Type": "application/json; charset=utf-8",
    "Cache-Control": "no-store",
  };
  if (retryAfterSeconds !== undefined) headers["Retry-After"] = String(retryAfterSeconds);
  return { status, headers, body: JSON.stringify({ message }) };
}
