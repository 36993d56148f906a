// Keeps a map from growing without bound: the entry that was set longest ago gives way.

/** Sets `key` as the newest entry and drops the oldest ones beyond `limit`. */
export function setBounded<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, limit: number): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= limit) return;
    map.delete(oldest);
  }
}
