/* Options become one checked configuration, or one line that names the option at fault. */
import { expect } from "chai";
import { ConfigError } from "../../emulator/arch/errors.js";
import { DEFAULT_CONFIG, NAMED_CONFIGS, checkConfig, configGranule, formatSize, namedConfig, parseConfig } from "../../lab/config.js";

describe("parseConfig", () => {
  it("without options is a 4K kernel as Linux boots: contpte on, no folio size enabled", () => {
    const config = parseConfig({});
    expect(config).to.deep.equal(DEFAULT_CONFIG);
    expect(config.pageSize).to.equal("4k");
    expect(config.contpte).to.equal(true);
    expect(config.thp).to.deep.equal({ enabled: "never", sizes: {} });
    expect(config.cores).to.deep.equal(["neoverse-n1"]);
    expect(config.memory).to.equal(2147483648);
    expect(config.swap).to.equal(0);
  });

  it("collects folio sizes and the top level from repeated --thp", () => {
    const config = parseConfig({ thp: ["64k=always", "2m=inherit", "madvise"] });
    expect(config.thp).to.deep.equal({ enabled: "madvise", sizes: { 65536: "always", 2097152: "inherit" } });
  });

  it("reads mounts, binds and environment", () => {
    const config = parseConfig({ mount: ["tmpfs:/t:huge=always", "xfs:/mnt"], bind: ["/host/x:/x", "/host/y:/y:rw"], env: ["A=b=c", "EMPTY="] });
    expect(config.mounts).to.deep.equal([
      { type: "tmpfs", directory: "/t", options: "huge=always" },
      { type: "xfs", directory: "/mnt", options: "" },
    ]);
    expect(config.binds).to.deep.equal([
      { host: "/host/x", guest: "/x", writable: false },
      { host: "/host/y", guest: "/y", writable: true },
    ]);
    expect(config.env).to.deep.equal({ A: "b=c", EMPTY: "" });
  });

  const refused: readonly [string, Parameters<typeof parseConfig>[0]][] = [
    ["--page-size 8k", { pageSize: "8k" }],
    ["--contpte maybe", { contpte: "maybe" }],
    ["--thp 64k", { thp: ["64k"] }],
    ["--thp 64k=", { thp: ["64k=sometimes"] }],
    ["--thp 8k", { thp: ["8k=always"] }],
    ["--thp 64k", { pageSize: "64k", thp: ["64k=always"] }],
    ["--thp 4m", { thp: ["4m=always"] }],
    ["--memory 1m", { memory: "1m" }],
    ["--memory 5g", { memory: "5g" }],
    ["--memory 16777217", { memory: "16777217" }],
    ["--swap 512k", { swap: "512k" }],
    ["--swap 5g", { swap: "5g" }],
    ["--swap 16777217", { swap: "16777217" }],
    ["--fs zfs", { fs: "zfs" }],
    ["--mount /mnt", { mount: ["/mnt"] }],
    ["--mount zfs:/mnt:", { mount: ["zfs:/mnt"] }],
    ["--bind x", { bind: ["x"] }],
    ["--bind /a:/b:ro", { bind: ["/a:/b:ro"] }],
    ["--env =x", { env: ["=x"] }],
    ["--engine qemu", { engine: "qemu" }],
    ["--seed x", { seed: "x" }],
    ["--max-instructions -1", { maxInstructions: "-1" }],
    ["--timeout 0", { timeout: "0" }],
    ["--core", { core: "" }],
  ];
  for (const [message, options] of refused) {
    it(`refuses ${JSON.stringify(options)} in one line that names the option`, () => {
      expect(() => parseConfig(options))
        .to.throw(ConfigError)
        .with.property("message")
        .that.satisfies((text: string) => text.startsWith(message) && !text.includes("\n"));
    });
  }
});

describe("named configurations", () => {
  it("are the seven of the contract, in table order", () => {
    expect(Object.keys(NAMED_CONFIGS)).to.deep.equal(["4k", "4k+mthp", "4k+contpte", "16k", "16k+contpte", "64k", "64k+contpte"]);
  });

  const K64 = 65536;
  const M2 = 2097152;
  const expected: readonly [string, string, boolean, Record<number, string>][] = [
    ["4k", "4k", false, {}],
    ["4k+mthp", "4k", false, { [K64]: "always" }],
    ["4k+contpte", "4k", true, { [K64]: "always" }],
    ["16k", "16k", false, {}],
    ["16k+contpte", "16k", true, { [M2]: "always" }],
    ["64k", "64k", false, {}],
    ["64k+contpte", "64k", true, { [M2]: "always" }],
  ];
  for (const [name, pageSize, contpte, sizes] of expected) {
    it(`${name}: ${pageSize} pages, contpte ${contpte ? "on" : "off"}`, () => {
      const config = namedConfig({ ...DEFAULT_CONFIG, seed: 7 }, name);
      expect(config.pageSize).to.equal(pageSize);
      expect(config.contpte).to.equal(contpte);
      expect(config.thp).to.deep.equal({ enabled: "never", sizes });
      expect(config.seed).to.equal(7);
    });
  }

  it("takes modifiers behind colons", () => {
    const config = namedConfig(DEFAULT_CONFIG, "4k+contpte:batch=off:fs=xfs:core=cortex-a76");
    expect(config).to.deep.include({ batch: false, fs: "xfs", cores: ["cortex-a76"], contpte: true });
    expect(() => namedConfig(DEFAULT_CONFIG, "4k:colour=blue")).to.throw(ConfigError, "colour=blue");
    expect(() => namedConfig(DEFAULT_CONFIG, "4k:batch=maybe")).to.throw(ConfigError, "batch=");
  });

  it("refuses an unknown name, also one that every object has", () => {
    expect(() => namedConfig(DEFAULT_CONFIG, "8k")).to.throw(ConfigError, '"8k"');
    expect(() => namedConfig(DEFAULT_CONFIG, "constructor")).to.throw(ConfigError, '"constructor"');
  });
});

describe("checkConfig", () => {
  it("accepts every folio size of each granule and nothing in between", () => {
    for (const [pageSize, page, pmd] of [
      ["4k", 4096, 2097152],
      ["16k", 16384, 33554432],
      ["64k", 65536, 536870912],
    ] as const) {
      for (let size = 4 * page; size <= pmd; size *= 2) {
        expect(checkConfig({ ...DEFAULT_CONFIG, memory: 4294967296, pageSize, thp: { enabled: "never", sizes: { [size]: "always" } } }).thp.sizes).to.have.property(String(size));
      }
      expect(() => checkConfig({ ...DEFAULT_CONFIG, pageSize, thp: { enabled: "never", sizes: { [2 * page]: "always" } } })).to.throw(ConfigError);
    }
  });

  it("uses the address widths of Debian's kernels", () => {
    expect(configGranule({ ...DEFAULT_CONFIG, pageSize: "4k" }).vaBits).to.equal(48);
    expect(configGranule({ ...DEFAULT_CONFIG, pageSize: "16k" }).vaBits).to.equal(47);
    expect(configGranule({ ...DEFAULT_CONFIG, pageSize: "64k" }).vaBits).to.equal(48);
  });
});

describe("formatSize", () => {
  it("uses the largest unit that divides", () => {
    expect([65536, 2097152, 1073741824, 1536, 1000].map(formatSize)).to.deep.equal(["64k", "2m", "1g", "1536", "1000"]);
  });
});
