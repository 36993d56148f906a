// The latest snapshot, and the time by the gateway's clock.

/** `getViews()` gives the views with the estimate counted down since they came; `now()` is the gateway's wall time. */
export function createLiveViews() {
  let snapshot = null;
  let receivedAt = 0;
  let offset = 0;
  return {
    set(next) {
      snapshot = next;
      receivedAt = performance.now();
      if (typeof next.now === "number") offset = next.now - Date.now();
    },
    isKnown: () => snapshot !== null,
    now: () => Date.now() + offset,
    getViews() {
      const passed = (performance.now() - receivedAt) / 1000;
      return (snapshot?.workloads ?? []).map((view) =>
        view.etaSeconds === null ? view : { ...view, etaSeconds: view.etaSeconds - passed },
      );
    },
  };
}
