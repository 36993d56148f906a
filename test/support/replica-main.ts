// A replica in a process of its own: prints its port, answers after 5 ms, and prints the path of each request it has read.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const server = createServer((request, response) => {
  request.resume().on("end", () => {
    console.log(`${request.method} ${request.url}`);
    setTimeout(() => response.end("ok"), 5);
  });
});
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
