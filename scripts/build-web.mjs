// Builds the page: one HTML file with style, scripts and programs in it, which opens from anywhere, a disk included.
// Usage: node scripts/build-web.mjs OUT.html
import { readFileSync, writeFileSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** Programs that come with the page, with arguments that end within seconds. */
const PROGRAMS = [
  ["touch", "8m", "writes to each page once"],
  ["forkwrite", "4m", "forks, then both processes write"],
  ["seq", "8m 2", "reads memory in order"],
  ["gups", "8m 200000", "random updates"],
  ["sort", "", "sorts numbers"],
  ["hello", "", "says hello"],
];

async function bundle(entry) {
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, format: "iife", platform: "browser", target: "chrome112", minify: true, write: false, logLevel: "error" });
  return outputFiles[0].text;
}

const [out] = process.argv.slice(2);
if (out === undefined) throw new Error("usage: build-web.mjs OUT.html");
const style = await build({ stdin: { contents: 'export { STYLE } from "./lab/report/html/style.ts"', resolveDir: ".", loader: "ts" }, bundle: true, format: "esm", write: false });
const { STYLE } = await import(`data:text/javascript,${encodeURIComponent(style.outputFiles[0].text)}`);
const programs = PROGRAMS.map(([name, args, about]) => ({ name, args, about, data: gzipSync(readFileSync(`build/guest/${name}`), { level: 9 }).toString("base64") }));
/** Nothing in a script element may look like its end. */
const closed = (text) => text.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
const parts = { style: STYLE, programs: JSON.stringify(programs).replaceAll("<", "\\u003c"), worker: closed(await bundle("web/worker.ts")), page: closed(await bundle("web/page.ts")) };
const page = readFileSync("web/index.html", "utf8").replace(/@(style|programs|worker|page)@/g, (_, part) => parts[part]);
mkdirSync(dirname(out), { recursive: true });
writeFileSync(out, page);
console.error(`${out}: ${(page.length / 1024).toFixed(0)} KiB`);
