/* The report: one file that holds everything, opened in a real browser, light and dark. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { expect } from "chai";
import { prepareAnalyses } from "../../../../lab/commands/analyses.js";
import { htmlReport } from "../../../../lab/report/html/page.js";
import type { RunResult } from "../../../../lab/result.js";
import { openInBrowser, type Opened } from "../../../support/browser.js";
import { guestProgram } from "../../../support/guest.js";
import { labRun } from "../../../support/lab-run.js";
import { exampleResult } from "../../../support/run-result.js";

/** Pixels of a PNG without interlace, 8 bits per channel: rows of [r, g, b, ...]. */
function pixels(png: Buffer): { readonly width: number; readonly height: number; at(x: number, y: number): string } {
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const channels = png[25] === 6 ? 4 : 3;
  const parts: Buffer[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) if (png.toString("latin1", at + 4, at + 8) === "IDAT") parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  const raw = inflateSync(Buffer.concat(parts));
  const stride = width * channels;
  const image = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)]!;
    for (let i = 0; i < stride; i++) {
      const left = i >= channels ? image[y * stride + i - channels]! : 0;
      const up = y > 0 ? image[(y - 1) * stride + i]! : 0;
      const corner = y > 0 && i >= channels ? image[(y - 1) * stride + i - channels]! : 0;
      const p = left + up - corner;
      const paeth = Math.abs(p - left) <= Math.abs(p - up) && Math.abs(p - left) <= Math.abs(p - corner) ? left : Math.abs(p - up) <= Math.abs(p - corner) ? up : corner;
      image[y * stride + i] = raw[y * (stride + 1) + 1 + i]! + [0, left, up, (left + up) >> 1, paeth][filter]!;
    }
  }
  return { width, height, at: (x, y) => image.subarray(y * stride + x * channels, y * stride + x * channels + 3).toString("hex") };
}

describe("htmlReport", () => {
  let directory: string;
  let html: string;
  let result: RunResult;
  let light: Opened;
  let dark: Opened;

  before(async function () {
    this.timeout(300_000);
    directory = mkdtempSync(join(tmpdir(), "foliolab-report-"));
    const report = join(directory, "r.html");
    const wanted = await prepareAnalyses({ report, curve: true, top: "10" });
    const { result: plain } = await labRun(guestProgram("mallocchurn"), [], { cores: ["neoverse-n1", "cortex-a53"], thp: { enabled: "never", sizes: { 65536: "always" } } }, wanted.analyses, (mm) => wanted.onExit(mm));
    result = await wanted.complete(plain);
    html = readFileSync(report, "utf8");
    light = openInBrowser(report, { height: 5000 });
    dark = openInBrowser(report, { dark: true });
  });

  after(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  it("needs nothing but itself: no address of another file, no script", () => {
    expect(html.match(/\b(src|href)="(?!data:text\/csv)[^"]*"/g)).to.equal(null);
    expect(html).to.not.match(/url\(|@import|https?:/);
    expect(html.match(/<script[^>]*>/g)).to.deep.equal(['<script type="application/json" id="result">']);
  });

  it("holds the whole result as JSON", () => {
    expect(JSON.parse(/id="result">(.*)<\/script>/.exec(html)![1]!)).to.deep.equal(JSON.parse(JSON.stringify(result)));
  });

  it("the browser has every section, and nothing to complain of", () => {
    const heads = [...light.dom.matchAll(/<h2>([^<]*)<\/h2>/g)].map((match) => match[1]);
    expect(heads).to.deep.equal([
      "Configuration",
      "Page faults",
      "TLBs",
      "Misses of neoverse-n1 by cause",
      "Who misses, who faults",
      "What maps the address space",
      "Miss curve",
      "Counters of the kernel",
    ]);
    expect(light.console).to.deep.equal([]);
    // What the browser built of the source is what was written: no element was closed or moved by its error recovery.
    const tags = (text: string): string => [...text.replace(/<script[^]*?<\/script>/g, "").matchAll(/<(\/?[a-z][a-z0-9]*)/g)].map((match) => match[1]!).filter((tag) => !/^\/(rect|line|path)$/.test(tag)).join(" ");
    expect(tags(light.dom)).to.equal(tags(html));
  });

  it("shows faults, structures, causes, instructions and areas with their numbers", () => {
    const kinds = Object.entries(result.faults.byKind).filter(([, n]) => n > 0);
    for (const [kind, n] of kinds) expect(light.dom).to.include(`<td>${kind}</td><td class="n">${n.toLocaleString("en-US")}</td>`);
    expect(light.dom).to.include(`<td>cortex-a53</td><td>L1D</td><td class="n">${result.execution.loads + result.execution.stores > 0 ? (result.execution.loads + result.execution.stores).toLocaleString("en-US") : ""}</td>`);
    for (const row of result.profile!.pcs) expect(light.dom).to.include(`<code>${row.pc}</code>`);
    expect(light.dom).to.include("[heap]");
    expect(light.dom).to.match(/class="contiguous"/);
  });

  it("is drawn: bars, strips and both curves have their colours; dark is dark", () => {
    const picture = pixels(light.picture);
    const colors = new Map<string, number>();
    for (let y = 0; y < picture.height; y++) for (let x = 0; x < picture.width; x++) colors.set(picture.at(x, y), (colors.get(picture.at(x, y)) ?? 0) + 1);
    for (const [name, color, atLeast] of [["faults", "2f6fb7", 2000], ["contiguous runs and curve", "16a075", 2000], ["pages", "8aa2c0", 1000], ["cold", "6aa5e8", 1000], ["curve without", "e8a13a", 300]] as const) {
      expect(colors.get(color) ?? 0, name).to.be.at.least(atLeast);
    }
    expect(picture.at(2, 2)).to.equal("ffffff");
    expect(pixels(dark.picture).at(2, 2)).to.equal("12161c");
  });

  it("a plain result without profile, curve or coverage is a report too; what a program is called cannot break it", () => {
    const page = htmlReport({ result: exampleResult({ program: { path: "</title><script>alert(1)</script>", sha256: "0", args: ['"&'] } }), coverage: [] });
    expect(page.match(/<script[^>]*>/g)).to.have.length(1);
    expect(page).to.not.include("Miss curve").and.not.include("Who misses");
    expect(page).to.include("&#60;/title&#62;");
  });

  it("a crash is shown with its instruction", () => {
    const crash = { signal: "SIGSEGV", pc: "0x400123", address: "0x0", reason: "no area there", instruction: "ldr x0, [x1]" };
    expect(htmlReport({ result: exampleResult({ exit: { signal: "SIGSEGV" }, crash }), coverage: [] })).to.match(/<h2>Crash<\/h2>[^]*ldr x0, \[x1\]/);
  });
});
