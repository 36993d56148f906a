// News from the gateway: a stream of events, and polling wherever the stream fails. Neither ever wakes anything.

const pollMs = 2000;
const answerMs = 10_000;
const streamRetryMs = 20_000;

/**
 * `onSnapshot` gets each `{ workloads, now? }`; `onHealth` gets "live", "lost" or, when the session is over, "ended".
 * With `rests`, nothing is asked while the page is hidden: browsers allow few connections to one host.
 */
export function createConnection({ query = "", rests, onSnapshot, onHealth }) {
  let source = null;
  let timer = 0;
  let turn = 0;
  let lost = false;
  let streamTriedAt = 0;

  function receive(text) {
    const snapshot = JSON.parse(text);
    if (!Array.isArray(snapshot.workloads)) throw new TypeError("not a snapshot");
    lost = false;
    onHealth("live");
    onSnapshot(snapshot);
  }

  function listen() {
    stop();
    streamTriedAt = performance.now();
    source = new EventSource(`/_sesta/events${query}`);
    source.onmessage = (message) => receive(message.data);
    source.onerror = () => {
      stop();
      void poll(turn);
    };
  }

  async function poll(mine) {
    try {
      const answer = await fetch(`/_sesta/state${query}`, {
        headers: { accept: "application/json" },
        cache: "no-store",
        signal: AbortSignal.timeout(answerMs),
      });
      if (mine !== turn) return;
      if (answer.status === 401 || answer.status === 403) return onHealth("ended");
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const returned = lost;
      const text = await answer.text();
      if (mine !== turn) return;
      receive(text);
      if (returned || performance.now() - streamTriedAt > streamRetryMs) return listen();
    } catch {
      if (mine !== turn) return;
      lost = true;
      onHealth("lost");
    }
    timer = setTimeout(() => poll(mine), pollMs);
  }

  function stop() {
    turn++;
    clearTimeout(timer);
    source?.close();
    source = null;
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) listen();
    else if (rests) stop();
  });
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => event.persisted && listen());
  addEventListener("online", listen);
  if (!(rests && document.hidden)) listen();
  return { stop };
}

/** Asks the gateway to "wake" one workload, to put it to "sleep", or to keep it "awake". Resolves to what went wrong, or "". */
export async function runChange(change, workload) {
  try {
    const answer = await fetch(`/_sesta/${change}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-sesta": "1" },
      body: JSON.stringify({ workload }),
    });
    if (answer.ok) return "";
    const said = await answer.json().catch(() => ({}));
    return typeof said.message === "string" ? said.message : `The gateway answered ${answer.status}.`;
  } catch {
    return "The gateway does not answer. Is it running?";
  }
}
