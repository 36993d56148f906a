// How many commands go over a connection at a time: sshd takes ten (sshd_config(5), MaxSessions), of all processes.

const atOnce = 6;

export type Sessions = {
  /** Waits for its turn. @returns lets the next one in; may be called again */
  enter(signal?: AbortSignal): Promise<() => void>;
};

export function createSessions(): Sessions {
  let inside = 0;
  const waiting: (() => void)[] = [];
  const leave = () => {
    const next = waiting.shift();
    if (next) next();
    else inside--;
  };
  return {
    async enter(signal) {
      if (inside < atOnce) inside++;
      else await waitIn(waiting, signal);
      let left = false;
      return () => {
        if (!left) leave();
        left = true;
      };
    },
  };
}

function waitIn(waiting: (() => void)[], signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const turn = () => {
      signal?.removeEventListener("abort", give);
      resolve();
    };
    const give = () => {
      waiting.splice(waiting.indexOf(turn), 1);
      reject(signal?.reason instanceof Error ? signal.reason : new Error("aborted"));
    };
    waiting.push(turn);
    signal?.addEventListener("abort", give, { once: true });
  });
}
