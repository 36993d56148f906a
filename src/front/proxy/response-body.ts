// Finds where an upstream's response body ends, and takes the chunk framing away.
import type { ResponseHead } from "./response-head.ts";

export class ResponseBody {
  /** The whole body was seen. */
  done: boolean;
  /** Bytes came that belong to no response: the connection must not be used again. */
  excess = false;
  /** Of the body, or of the chunk that is being read. */
  #left: number;
  readonly #framing: ResponseHead["framing"];
  #step: "size" | "data" | "data-end" | "trailer" = "size";
  #line = "";
  #trailerBytes = 0;

  constructor(framing: ResponseHead["framing"]) {
    this.#framing = framing;
    this.#left = typeof framing === "number" ? framing : 0;
    this.done = framing === 0;
  }

  /**
   * The parts of `bytes` that are content.
   * @returns undefined when the chunk framing is broken
   */
  take(bytes: Buffer): Buffer[] | undefined {
    if (this.#framing === "chunked") return this.#takeChunked(bytes);
    if (this.#framing === "until-close") return [bytes];
    if (bytes.length > this.#left) this.excess = true;
    const part = this.excess ? bytes.subarray(0, this.#left) : bytes;
    this.#left -= part.length;
    this.done = this.#left === 0;
    return part.length === 0 ? [] : [part];
  }

  #takeChunked(bytes: Buffer): Buffer[] | undefined {
    const parts: Buffer[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.done) {
        this.excess = true;
        break;
      }
      if (this.#step === "data") {
        const part = bytes.subarray(at, at + this.#left);
        parts.push(part);
        at += part.length;
        this.#left -= part.length;
        if (this.#left === 0) this.#step = "data-end";
        continue;
      }
      const newline = bytes.indexOf(10, at);
      const end = newline === -1 ? bytes.length : newline + 1;
      this.#line += bytes.toString("latin1", at, end);
      at = end;
      if (this.#line.length > lineLimit) return undefined;
      if (newline === -1) break;
      if (!this.#takeLine()) return undefined;
    }
    return parts;
  }

  #takeLine(): boolean {
    const line = this.#line;
    this.#line = "";
    if (!line.endsWith("\r\n")) return false;
    if (this.#step === "data-end") {
      this.#step = "size";
      return line === "\r\n";
    }
    if (this.#step === "trailer") {
      this.#trailerBytes += line.length;
      this.done = line === "\r\n";
      return this.#trailerBytes <= trailerLimit;
    }
    const size = chunkSize.exec(line)?.[1];
    if (size === undefined) return false;
    this.#left = Number.parseInt(size, 16);
    this.#step = this.#left === 0 ? "trailer" : "data";
    return true;
  }
}

const lineLimit = 4096;
const trailerLimit = 16_384;
/** At most 2^48 bytes, so that the number is exact; then extensions, which are ignored (RFC 9112 §7.1.1). */
const chunkSize = /^([0-9a-f]{1,12})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?\r\n$/i;
