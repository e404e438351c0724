/**
 * Every dependency has a row in docs/dependencies.md, and the row names the version that is locked.
 */
import { readFileSync } from "node:fs";
import { expect } from "chai";

const read = (path: string): string => readFileSync(path, "utf8");

/** Rows of the tables: package -> the cells behind it. */
const rows = new Map([...read("docs/dependencies.md").matchAll(/^\| `([^`]+)` \| (.*) \|$/gm)].map((row) => [row[1]!, row[2]!.split(" | ")]));

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}
interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string }>>;
}

const manifest = JSON.parse(read("package.json")) as Manifest;
const npm = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.devDependencies)];

const nativeFile = (name: string): string => read(`emulator/engine/native/${name}`);

function crates(): string[] {
  const sections = nativeFile("Cargo.toml").matchAll(/^\[(?:build-)?dependencies\]\n((?:(?!\[).*\n?)*)/gm);
  return [...sections].flatMap((section) => [...section[1]!.matchAll(/^([a-z0-9-]+) = /gm)].map((line) => line[1]!));
}

const debian = read("scripts/packages.txt")
  .split("\n")
  .filter((line) => line.trim() !== "" && !line.startsWith("#"))
  .map((line) => line.split(" ")[1]!);

describe("dependencies", () => {
  it("npm packages are listed with the locked version", () => {
    const { packages } = JSON.parse(read("package-lock.json")) as Lock;
    for (const name of npm) expect(rows.get(name)?.[0], name).to.equal(packages[`node_modules/${name}`]?.version);
  });

  it("crates are listed with the locked version", () => {
    const lock = nativeFile("Cargo.lock");
    expect(crates()).to.include.members(["unicorn-engine-sys", "napi"]);
    for (const name of crates()) expect(lock, name).to.contain(`name = "${name}"\nversion = "${rows.get(name)?.[0]}"\n`);
  });

  it("Debian packages are listed", () => {
    expect(debian).to.include("qemu-user");
    for (const name of debian) expect([...rows.keys()], name).to.include(name);
  });

  it("no row is left over, and every row has a licence and a reason", () => {
    expect([...rows.keys()].sort()).to.deep.equal([...npm, ...crates(), ...debian].sort());
    for (const [name, cells] of rows) {
      expect(cells.length, name).to.be.at.least(2);
      for (const cell of cells) expect(cell.trim(), name).to.not.equal("");
    }
  });
});
