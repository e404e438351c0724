/** The page: choices, buttons, and the pictures of the last snapshot. All work is done by the worker. */
import { CORE_NAMES, corePreset } from "../emulator/mmu/cores.js";
import type { GranuleName } from "../emulator/arch/granule.js";
import { escape } from "../lab/report/html/markup.js";
import { areaMap, faultLine, tableGrid, tiles, tlbPicture } from "./draw.js";
import type { Reply, Request } from "./messages.js";
import type { Snapshot } from "./session.js";

/** A program that comes with the page: gzip in base64. */
interface Packed {
  readonly name: string;
  readonly args: string;
  readonly about: string;
  readonly data: string;
}

const KIB = 1024;
const FOLIOS: Readonly<Record<GranuleName, readonly number[]>> = {
  "4k": [0, 16 * KIB, 32 * KIB, 64 * KIB, 128 * KIB, 256 * KIB, 512 * KIB, 1024 * KIB, 2048 * KIB],
  "16k": [0, 64 * KIB, 128 * KIB, 256 * KIB, 512 * KIB, 1024 * KIB, 2048 * KIB],
  "64k": [0, 128 * KIB, 256 * KIB, 512 * KIB, 1024 * KIB, 2048 * KIB],
};
const MEMORY = 512 * KIB * KIB;
const ALL_FAULTS = 1e9;
const BLOCK_BYTES: Readonly<Record<GranuleName, number>> = { "4k": 2 ** 21, "16k": 2 ** 25, "64k": 2 ** 29 };

function element<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no ${id}`);
  return found as T;
}

const packed = JSON.parse(element("programs").textContent ?? "[]") as readonly Packed[];
const program = element<HTMLSelectElement>("program");
const args = element<HTMLInputElement>("args");
const file = element<HTMLInputElement>("file");
const pageSize = element<HTMLSelectElement>("page-size");
const folio = element<HTMLSelectElement>("folio");
const contpte = element<HTMLInputElement>("contpte");
const core = element<HTMLSelectElement>("core");
const status = element("status");
const worker = new Worker(URL.createObjectURL(new Blob([element("worker").textContent ?? ""], { type: "text/javascript" })));
let granule: GranuleName = "4k";
let sent = Promise.resolve();

function option(value: string, text: string): string {
  return `<option value="${escape(value)}">${escape(text)}</option>`;
}

function sizeText(bytes: number): string {
  return bytes === 0 ? "none" : bytes < KIB * KIB ? `${bytes / KIB}K` : `${bytes / KIB / KIB}M`;
}

function offerFolios(): void {
  const size = pageSize.value as GranuleName;
  const before = folio.value;
  folio.innerHTML = FOLIOS[size].map((bytes) => option(String(bytes), sizeText(bytes))).join("");
  folio.value = FOLIOS[size].includes(Number(before)) ? before : "0";
  const kept = core.value;
  core.innerHTML = CORE_NAMES.filter((name) => corePreset(name).granules.includes(size)).map((name) => option(name, name)).join("");
  core.value = kept;
  if (core.value === "") core.selectedIndex = 0;
}

async function bytesOf(name: string): Promise<Uint8Array> {
  const own = file.files?.[0];
  if (name === "own" && own !== undefined) return new Uint8Array(await own.arrayBuffer());
  const found = packed.find((item) => item.name === name);
  if (found === undefined) throw new Error("choose a file first");
  const compressed = Uint8Array.from(atob(found.data), (character) => character.charCodeAt(0));
  return new Uint8Array(await new Response(new Blob([compressed]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
}

/** Requests reach the worker in the order of the clicks, though a start has to unpack its program first. */
function send(request: Request | Promise<Request>): void {
  status.textContent = "running";
  const before = sent;
  sent = (async () => {
    await before;
    worker.postMessage(await request);
  })().catch(fail);
}

async function startRequest(): Promise<Request> {
  granule = pageSize.value as GranuleName;
  const name = program.value === "own" ? (file.files?.[0]?.name ?? "program") : program.value;
  const choices = { pageSize: granule, folioBytes: Number(folio.value), contpte: contpte.checked, core: core.value, memory: MEMORY };
  const given = args.value.split(" ").filter((argument) => argument !== "");
  return { kind: "start", choices, program: { name, bytes: await bytesOf(program.value), args: given } };
}

function show(snapshot: Snapshot): void {
  element("tiles").innerHTML = tiles(snapshot);
  element("fault").innerHTML = faultLine(snapshot);
  element("areas").innerHTML = areaMap(snapshot);
  element("window").innerHTML = snapshot.window === undefined ? "" : tableGrid(snapshot.window, snapshot.lastFault?.address);
  const size = snapshot.window?.pageSize ?? 4096;
  element("tlbs").innerHTML = snapshot.tlbs.map((tlb) => tlbPicture(tlb, size, BLOCK_BYTES[granule])).join("");
  element("output").textContent = snapshot.output;
}

function fail(reason: unknown): void {
  status.textContent = `failed: ${reason instanceof Error ? reason.message : String(reason)}`;
}

worker.addEventListener("message", ({ data }: MessageEvent<Reply>) => {
  if (data.kind === "failed") fail(data.reason);
  else {
    show(data.snapshot);
    status.textContent = !data.done ? "running" : data.snapshot.ended === undefined ? "stopped" : "ended";
  }
});
worker.addEventListener("error", ({ message }) => {
  fail(message);
});

program.innerHTML = packed.map(({ name, about }) => option(name, `${name}: ${about}`)).join("") + option("own", "a file of yours (static AArch64 ELF)");
program.addEventListener("change", () => {
  args.value = packed.find(({ name }) => name === program.value)?.args ?? "";
  file.hidden = program.value !== "own";
});
args.value = packed[0]?.args ?? "";
file.hidden = true;
core.innerHTML = option("neoverse-n1", "neoverse-n1");
offerFolios();
folio.value = String(64 * KIB);
pageSize.addEventListener("change", offerFolios);
element("start").addEventListener("click", () => {
  send(startRequest());
});
for (const [id, faults] of [["one", 1], ["ten", 10], ["hundred", 100], ["end", ALL_FAULTS]] as const) {
  element(id).addEventListener("click", () => {
    send({ kind: "step", faults });
  });
}
send(startRequest());
