/**
 * scripts/fetch-sysroot.sh with apt-get replaced by a stand-in that puts a small package into the cache and writes down how it was called.
 */
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, resolve } from "node:path";
import { expect } from "chai";

const folder = resolve("build/tests/fetch-sysroot");
const target = `${folder}/root`;
const log = `${folder}/calls`;

function fetch(...packages: string[]): { status: number | null; calls: string[] } {
  writeFileSync(log, "");
  const { status } = spawnSync("scripts/fetch-sysroot.sh", [target, ...packages], { env: { ...process.env, PATH: `${folder}/bin${delimiter}${process.env["PATH"]}` }, encoding: "utf8" });
  const calls = readFileSync(log, "utf8").split("\n").filter((line) => line !== "");
  return { status, calls: calls.map((call) => call.replace(/^.*(update|install .*)$/, "$1")) };
}

describe("scripts/fetch-sysroot.sh", () => {
  beforeEach(() => {
    rmSync(folder, { recursive: true, force: true });
    for (const path of ["package/DEBIAN", "package/bin", "package/usr/bin", "package/usr/lib", "bin"]) mkdirSync(`${folder}/${path}`, { recursive: true });
    writeFileSync(`${folder}/package/DEBIAN/control`, "Package: p\nVersion: 1\nArchitecture: arm64\nMaintainer: n <n@example.org>\nDescription: test\n");
    writeFileSync(`${folder}/package/bin/tool`, "tool");
    writeFileSync(`${folder}/package/usr/bin/other`, "other");
    expect(spawnSync("dpkg-deb", ["-b", `${folder}/package`, `${folder}/p.deb`]).status).to.equal(0);
    writeFileSync(`${folder}/bin/apt-get`, `#!/bin/bash
echo "$*" >>"${log}"
[[ "$*" != *missing* ]] || exit 100
for option; do case $option in Dir::Cache=*) cache=\${option#Dir::Cache=} ;; esac; done
[[ "$*" != *install* ]] || cp "${folder}/p.deb" "$cache/archives/"
`, { mode: 0o755 });
  });

  it("unpacks what apt downloads, with one /usr", () => {
    const { status, calls } = fetch("p", "q");
    expect(status).to.equal(0);
    expect(calls).to.deep.equal(["update", "install --yes --download-only --no-install-recommends p q"]);
    expect(readFileSync(`${target}/usr/bin/tool`, "utf8")).to.equal("tool");
    expect(readFileSync(`${target}/bin/other`, "utf8")).to.equal("other");
    expect([lstatSync(`${target}/bin`).isSymbolicLink(), readlinkSync(`${target}/bin`)]).to.deep.equal([true, "usr/bin"]);
    expect(readFileSync(`${target}/etc/passwd`, "utf8")).to.match(/^root:/);
  });

  it("calls nothing the second time, and fetches again for another list", () => {
    fetch("p");
    expect(fetch("p")).to.deep.equal({ status: 0, calls: [] });
    expect(fetch("p", "q").calls).to.have.length(2);
  });

  it("without names takes the list, with its comments dropped", () => {
    const [, install = ""] = fetch().calls;
    expect(install).to.match(/^install --yes --download-only --no-install-recommends libc6 /);
    expect(install).to.not.contain("#");
    expect(install).to.contain(" redis-server ");
  });

  it("a failure leaves what was there, and nothing half made", () => {
    fetch("p");
    expect(fetch("missing").status).to.not.equal(0);
    expect(existsSync(`${target}/usr/bin/tool`)).to.equal(true);
    expect(spawnSync("find", [folder, "-maxdepth", "1", "-name", "root.??????"], { encoding: "utf8" }).stdout).to.equal("");
    expect(fetch("p")).to.deep.equal({ status: 0, calls: [] });
  });
});
