/**
 * Imports point down: emulator <- kernel-model <- lab <- web. The table of floors says who may import whom; what it does not list is refused.
 * There are no cycles among files and no files that only re-export, but the package's own index.ts.
 */
import { existsSync, readFileSync } from "node:fs";
import { expect } from "chai";
import ts from "typescript";
import { type Import, importsOf, productSources, trackedFiles } from "../support/sources.js";

interface Floor {
  /** Files to which the row applies: a folder (ending in /) or a file. The first row that fits counts. */
  readonly from: string;
  /** Folders and files it may import. */
  readonly may: readonly string[];
}

/** What the kernel model sees of the machine beside arch/ and memory/: interfaces through which lab/ joins the two. */
const PORTS = ["emulator/processor.ts", "emulator/engine/engine.ts", "emulator/mmu/tlbi.ts"];

const FLOORS: readonly Floor[] = [
  { from: "emulator/arch/", may: ["emulator/arch/"] },
  { from: "emulator/memory/", may: ["emulator/arch/", "emulator/memory/"] },
  { from: "emulator/mmu/", may: ["emulator/arch/", "emulator/memory/", "emulator/mmu/", "emulator/engine/engine.ts", "emulator/engine/wasm/binary/"] },
  { from: "emulator/", may: ["emulator/"] },
  { from: "kernel-model/", may: ["kernel-model/", "emulator/arch/", "emulator/memory/", ...PORTS] },
  { from: "lab/", may: ["lab/", "kernel-model/", "emulator/"] },
  { from: "web/", may: ["web/", "lab/", "kernel-model/", "emulator/"] },
];

const isUnder = (file: string, place: string): boolean => (place.endsWith("/") ? file.startsWith(place) : file === place);

/** What is wrong with one import of `file`, or undefined. */
function violation(file: string, { target, isPackage, typeOnly }: Import): string | undefined {
  if (isPackage) {
    const pure = isUnder(file, "emulator/arch/") || isUnder(file, "emulator/memory/") || isUnder(file, "emulator/mmu/") || isUnder(file, "kernel-model/mm/");
    return pure && !typeOnly ? `${file} imports the package ${target}: this room is pure` : undefined;
  }
  const floor = FLOORS.find(({ from }) => isUnder(file, from));
  if (floor === undefined) return `${file} stands on no floor`;
  if (floor.may.some((place) => isUnder(target, place))) return undefined;
  return `${file} imports ${target}`;
}

/** One cycle of run-time imports as a list of files, or undefined. */
function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): string[] | undefined => {
    const at = path.indexOf(file);
    if (at >= 0) return [...path.slice(at), file];
    if (done.has(file)) return undefined;
    path.push(file);
    for (const target of graph.get(file) ?? []) {
      const cycle = visit(target);
      if (cycle !== undefined) return cycle;
    }
    path.pop();
    done.add(file);
    return undefined;
  };
  for (const file of graph.keys()) {
    const cycle = visit(file);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

describe("layers", () => {
  const sources = productSources();

  it("the table refuses an upward import and allows a downward one", () => {
    const local = (target: string, typeOnly = false): Import => ({ target, isPackage: false, typeOnly });
    expect(violation("emulator/mmu/walk.ts", local("kernel-model/mm/page.ts"))).to.be.a("string");
    expect(violation("emulator/arch/addr.ts", local("emulator/mmu/walk.ts", true))).to.be.a("string");
    expect(violation("kernel-model/mm/page.ts", local("emulator/engine/unicorn.ts"))).to.be.a("string");
    expect(violation("kernel-model/mm/page.ts", local("emulator/mmu/walk.ts", true))).to.be.a("string");
    expect(violation("kernel-model/mm/page.ts", local("lab/machine.ts"))).to.be.a("string");
    expect(violation("kernel-model/mm/page.ts", local("emulator/arch/addr.ts"))).to.equal(undefined);
    expect(violation("lab/machine.ts", local("emulator/engine/unicorn.ts"))).to.equal(undefined);
  });

  it("imports point down", () => {
    const wrong = sources.flatMap((file) => importsOf(file).map((entry) => violation(file, entry))).filter((message) => message !== undefined);
    expect(wrong).to.deep.equal([]);
  });

  it("imports name files that exist", () => {
    const missing = sources.flatMap((file) => importsOf(file).filter(({ target, isPackage }) => !isPackage && !existsSync(target)).map(({ target }) => `${file} imports ${target}`));
    expect(missing).to.deep.equal([]);
  });

  it("a cycle is found where there is one", () => {
    expect(findCycle(new Map([["a", ["b"]], ["b", ["c"]], ["c", ["b"]]]))).to.deep.equal(["b", "c", "b"]);
    expect(findCycle(new Map([["a", ["b", "c"]], ["b", ["c"]], ["c", []]]))).to.equal(undefined);
  });

  it("no files import each other in a circle at run time", () => {
    const graph = new Map(sources.map((file) => [file, importsOf(file).filter((entry) => !entry.isPackage && !entry.typeOnly).map(({ target }) => target)]));
    expect(findCycle(graph)).to.equal(undefined);
  });

  it("no file but index.ts only re-exports", () => {
    const barrels = sources.filter((file) => {
      const { statements } = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ES2022);
      return statements.length > 0 && statements.every((statement) => ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined);
    });
    expect(barrels).to.deep.equal([]);
  });

  it("the product does not import from tests, guest programs or bench", () => {
    const outside = [...sources, ...trackedFiles().filter((file) => file === "index.ts")].flatMap((file) =>
      importsOf(file).filter(({ target, isPackage }) => !isPackage && /^(tests|guest-programs|bench|scripts)\//.test(target)).map(({ target }) => `${file} imports ${target}`),
    );
    expect(outside).to.deep.equal([]);
  });
});
