// The team's URL: asks it, and reloads it until the lab answers.
import { setTimeout as delay } from "node:timers/promises";

export type Answer = { status: number; text: string; state?: string; url?: string | null };

const reloadEveryMs = 100;
const longestMs = 180_000;

/** @param password undefined asks without one */
export async function askToStart(gateway: string, password: string | undefined): Promise<Answer> {
  const query = password === undefined ? "" : `?pass=${encodeURIComponent(password)}`;
  const answer = await fetch(`${gateway}/v1/start${query}`);
  const text = await answer.text();
  return { status: answer.status, text, ...(JSON.parse(text) as { state?: string; url?: string | null }) };
}

/** Reloads until it is awake. @throws Error when it failed, or is not awake after three minutes */
export async function reloadUntilAwake(
  gateway: string,
  password: string,
  signal: AbortSignal,
): Promise<Answer> {
  const end = performance.now() + longestMs;
  for (;;) {
    const answer = await askToStart(gateway, password);
    if (answer.state === "awake") return answer;
    if (answer.status !== 200) throw new Error(`it did not start: ${answer.text}`);
    if (performance.now() > end) throw new Error(`it did not start within three minutes: ${answer.text}`);
    await delay(reloadEveryMs, undefined, { signal });
  }
}
