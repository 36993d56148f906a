// Passes on what a program writes, and lets go of it once the program has ended, whoever else still holds the stream open.
import { Readable } from "node:stream";

export type Push = (bytes: Buffer) => void;

export type Relay = {
  stream: Readable;
  /** All that the program itself wrote is on its way: after 2 s in which it could be read, `stream` ends. */
  letGo(): void;
};

const [graceMs, tickMs] = [2_000, 100];

/**
 * Everything is taken by the time the source has ended, and no more is read of it than is read here.
 * @param take passes on what it wants of a chunk @param end what it kept back
 */
export function relay(
  source: Readable,
  take: (chunk: Buffer, push: Push) => void = (chunk, push) => push(chunk),
  end: (push: Push) => void = () => undefined,
): Relay {
  let timer: NodeJS.Timeout | undefined;
  let over = false;
  const stream = new Readable({
    read: () => void source.resume(),
    destroy: (error, done) => {
      over = true;
      source.destroy();
      done(error);
    },
  });
  const push = (bytes: Buffer) => {
    if (bytes.length > 0 && !over && !stream.push(bytes)) source.pause();
  };
  const finish = () => {
    clearInterval(timer);
    if (over) return;
    end(push);
    over = true;
    stream.push(null);
    source.destroy();
  };
  source.on("data", (chunk: Buffer) => take(chunk, push));
  source.once("end", finish).once("close", finish);
  return {
    stream,
    letGo() {
      let leftMs = graceMs;
      timer ??= setInterval(() => {
        if (source.isPaused()) return; // whoever reads here is slow
        leftMs -= tickMs;
        if (leftMs <= 0) finish();
      }, tickMs).unref();
    },
  };
}
