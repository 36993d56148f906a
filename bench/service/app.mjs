// The smallest application of a service: answers whatever is asked, as soon as Node has started.
import { createServer } from "node:http";

createServer((_request, response) => response.end("OK")).listen(Number(process.env.PORT), "127.0.0.1");
