// The log of a stage: what it prints, as lines, in a file without secrets; the last ones are kept at hand.
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { StringDecoder } from "node:string_decoder";
import { redact } from "../base/redact.ts";

const lastLines = 20;
/** A line that is longer is cut into several. */
const longestLine = 65_536;

export type StageLog = {
  path: string;
  /** A part of what a stream gave; resolves when there is room for more. */
  take(stream: "stdout" | "stderr", chunk: Buffer): Promise<unknown> | undefined;
  line(text: string): void;
  /** The last ones, at most 20. */
  tail(): string[];
  /** All of it is in the file. @throws a system error when it could not be written */
  close(): Promise<void>;
};

/** @param onLine each line without secrets; @param onStdout each line of standard output as it came */
export function createStageLog(
  path: string,
  onLine: (text: string) => void,
  onStdout: (text: string) => void,
): StageLog {
  const file = createWriteStream(path, { flags: "w", mode: 0o600 });
  const written = finished(file);
  written.catch(() => undefined); // `close` tells
  const tail: string[] = [];
  const line = (text: string) => {
    const clean = redact(text);
    file.write(`${clean}\n`);
    tail.push(clean);
    if (tail.length > lastLines) tail.shift();
    onLine(clean);
  };
  const streams = {
    stdout: createSplitter((text) => {
      onStdout(text);
      line(text);
    }),
    stderr: createSplitter(line),
  };
  return {
    path,
    take(stream, chunk) {
      streams[stream].take(chunk);
      return file.writableNeedDrain ? once(file, "drain") : undefined;
    },
    line,
    tail: () => [...tail],
    async close() {
      streams.stdout.end();
      streams.stderr.end();
      file.end();
      await written;
    },
  };
}

function createSplitter(onLine: (text: string) => void) {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const add = (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const one of lines) onLine(one.replace(/\r$/, ""));
    if (rest.length <= longestLine) return;
    onLine(rest);
    rest = "";
  };
  return {
    take: (chunk: Buffer) => add(decoder.write(chunk)),
    end: () => {
      add(decoder.end());
      if (rest !== "") onLine(rest);
      rest = "";
    },
  };
}
