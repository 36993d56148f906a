// Follows WebSocket frames in one direction, without their payloads, to tell data from pings and pongs (RFC 6455 §5.2).

/** Returns a function that is given the stream piece by piece, and says whether a data frame began in the piece. */
export function createFrameWatcher(): (bytes: Uint8Array) => boolean {
  let header = 0; // bytes of the frame's header that were seen
  let headerLength = 2;
  let maskLength = 0;
  let isData = false;
  let payload = 0; // bytes of payload and mask still to come
  return (bytes) => {
    let saw = false;
    for (let at = 0; at < bytes.length;) {
      if (header === headerLength && payload > 0) {
        const step = Math.min(payload, bytes.length - at);
        payload -= step;
        at += step;
      } else {
        const byte = bytes[at] ?? 0;
        at += 1;
        header += 1;
        if (header === 1) isData = (byte & 0x0f) <= 2; // continuation, text, binary
        else if (header === 2) {
          const size = byte & 0x7f;
          headerLength = size === 126 ? 4 : size === 127 ? 10 : 2;
          maskLength = byte & 0x80 ? 4 : 0;
          payload = size < 126 ? size : 0;
        } else payload = payload * 256 + byte;
        if (header === headerLength) {
          payload += maskLength;
          saw ||= isData;
        }
      }
      if (header === headerLength && payload === 0) {
        header = 0;
        headerLength = 2;
      }
    }
    return saw;
  };
}
