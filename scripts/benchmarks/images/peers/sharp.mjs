// sharp as an engine: a line of JSON for each picture asked for on standard input, {"file", "width", "format", "out"},
// one for each made on standard output, {"cpu", "wall"} in seconds. Its own defaults, one thread, no cache.
import { createInterface } from "node:readline";
import sharp from "sharp";

sharp.concurrency(1);
sharp.cache(false);
for await (const line of createInterface({ input: process.stdin })) {
  const { file, width, format, out } = JSON.parse(line);
  const [cpu, wall] = [process.cpuUsage(), performance.now()];
  await sharp(file).rotate().resize(width).toFormat(format).toFile(out);
  const used = process.cpuUsage(cpu);
  console.log(JSON.stringify({ cpu: (used.user + used.system) / 1e6, wall: (performance.now() - wall) / 1e3 }));
}
