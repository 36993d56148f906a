// Leaves the waking page for the workload, but not round and round when that leads back here.

const key = "sesta-moves";
const mostMoves = 3;
const withinMs = 60_000;

/**
 * Replaces this page by `target`. False, and nothing happens, when it was tried too often of late.
 * The fragment of this address goes with it: no server saw it, and MLflow's pages find their way by it.
 */
export function moveTo(target) {
  const since = Date.now() - withinMs;
  const recent = loadMoves().filter((at) => at > since && at <= Date.now());
  if (recent.length >= mostMoves) return false;
  saveMoves([...recent, Date.now()]);
  const there = new URL(target, location.href);
  if (there.origin === location.origin && there.hash === "") there.hash = location.hash;
  // To replace an address with a fragment by itself is to stay.
  if (there.hash !== "" && there.href === location.href) location.reload();
  else location.replace(there.href);
  return true;
}

function loadMoves() {
  try {
    const moves = JSON.parse(sessionStorage.getItem(key) ?? "[]");
    return Array.isArray(moves) ? moves : [];
  } catch {
    return [];
  }
}

function saveMoves(moves) {
  try {
    sessionStorage.setItem(key, JSON.stringify(moves));
  } catch {
    // Storage may be forbidden; then there is no memory, and no harm but a loop that the reader can see.
  }
}
