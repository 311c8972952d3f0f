// IPX as its manual embeds it (createIPXNodeServer), without anything around it: ipx.mjs FOLDER PORT
import { createServer } from "node:http";
import { createIPX, createIPXNodeServer, ipxFSStorage } from "ipx";

const [folder, port] = process.argv.slice(2);
createServer(createIPXNodeServer(createIPX({ storage: ipxFSStorage({ dir: folder }) }))).listen(Number(port), "127.0.0.1");
