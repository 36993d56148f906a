// The version of scikit-learn that a pickled model names in itself, read as text: nothing in the pickle runs.
import { gunzipSync, inflateSync } from "node:zlib";

const marker = Buffer.from("_sklearn_version");
const largestUnpackedBytes = 2 ** 30;

/**
 * Undefined where there is none, as in a pickle of something else. Every estimator's state has `_sklearn_version` and,
 * as the next string, the version (scikit-learn, BaseEstimator.__getstate__); joblib may compress all of it.
 */
export function findSklearnVersion(pickle: Buffer): string | undefined {
  const bytes = unpack(pickle);
  for (let at = bytes.indexOf(marker); at !== -1; at = bytes.indexOf(marker, at + 1)) {
    const after = bytes.subarray(at + marker.length, at + marker.length + 64).toString("latin1");
    // Between the two may stand what remembers the first: MEMOIZE, BINPUT, LONG_BINPUT, PUT. (pickletools)
    const [, version] = stringAfter.exec(after) ?? [];
    if (version !== undefined) return version;
  }
  return undefined;
}

const stringAfter =
  /^(?:\x94|q[^]|r[^]{4}|\np\d+\n)?(?:\x8c[^]|X[^]{4}|V)(\d+\.\d+(?:\.\d+)*(?:(?:a|b|rc|\.dev)\d+)?)/;

function unpack(bytes: Buffer): Buffer {
  const options = { maxOutputLength: largestUnpackedBytes };
  try {
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) return gunzipSync(bytes, options);
    if (bytes[0] === 0x78) return inflateSync(bytes, options);
  } catch {
    // It only looked like that.
  }
  return bytes;
}
