/**
 * scripts/install-packages.sh with the package system replaced by stand-ins that write down how they were called.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, resolve } from "node:path";
import { expect } from "chai";

const folder = resolve("build/tests/install-packages");
const log = `${folder}/calls`;

interface Machine {
  /** Packages that dpkg reports as not installed. */
  readonly missing: readonly string[];
  /** Packages that apt does not know. */
  readonly unknown?: readonly string[];
  readonly user?: "root" | "somebody";
  readonly groups?: readonly string[];
}

/** Runs the script on a machine as described; the calls that change something, in order. */
function install({ missing, unknown = [], user = "root", groups = [] }: Machine): { status: number | null; calls: string[] } {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const tool = (name: string, body: string): void => {
    writeFileSync(`${folder}/${name}`, `#!/bin/bash\n${body}\n`);
    chmodSync(`${folder}/${name}`, 0o755);
  };
  const among = (names: readonly string[]): string => `case " ${names.join(" ")} " in *" \${@: -1} "*)`;
  writeFileSync(log, "");
  tool("dpkg-query", `${among(missing)} exit 1;; esac; echo -n installed`);
  tool("apt-cache", `${among(unknown)} exit 1;; esac`);
  tool("apt-get", `echo "apt-get $*" >>"${log}"`);
  tool("sudo", `echo "sudo" >>"${log}"; exec "$@"`);
  tool("id", user === "root" ? "echo 0" : "echo 1000");
  const { status } = spawnSync("scripts/install-packages.sh", groups, { env: { ...process.env, PATH: `${folder}${delimiter}${process.env["PATH"]}` }, encoding: "utf8" });
  return { status, calls: readFileSync(log, "utf8").split("\n").filter((line) => line !== "") };
}

describe("scripts/install-packages.sh", () => {
  it("calls nothing when all packages are there", () => {
    expect(install({ missing: [] })).to.deep.equal({ status: 0, calls: [] });
  });

  it("installs what is missing, and only that", () => {
    const { status, calls } = install({ missing: ["cmake", "qemu-user"] });
    expect(status).to.equal(0);
    expect(calls).to.deep.equal(["apt-get update", "apt-get install -y --no-install-recommends cmake qemu-user"]);
  });

  it("leaves alone what is missing of groups that are not named", () => {
    const missing = ["cmake", "gcc-aarch64-linux-gnu", "qemu-user"];
    expect(install({ missing, groups: ["guests"] }).calls).to.deep.equal(["apt-get update", "apt-get install -y --no-install-recommends gcc-aarch64-linux-gnu"]);
    expect(install({ missing, groups: ["native", "tests"] }).calls).to.deep.equal(["apt-get update", "apt-get install -y --no-install-recommends cmake qemu-user"]);
    expect(install({ missing: ["cmake"], groups: ["guests"] })).to.deep.equal({ status: 0, calls: [] });
  });

  it("is content with either of two alternatives", () => {
    expect(install({ missing: ["libclang-14-dev"] }).calls).to.deep.equal([]);
  });

  it("takes the alternative that this release has", () => {
    const { calls } = install({ missing: ["libclang-14-dev", "libclang-dev"], unknown: ["libclang-14-dev"] });
    expect(calls).to.deep.equal(["apt-get update", "apt-get install -y --no-install-recommends libclang-dev"]);
  });

  it("becomes root by sudo if it is not", () => {
    const { calls } = install({ missing: ["cmake"], user: "somebody" });
    expect(calls.filter((call) => call === "sudo")).to.have.length(2);
    expect(calls).to.include("apt-get install -y --no-install-recommends cmake");
  });
});
