/** Headless Chromium for tests: a local file opened in a profile of its own, without a network. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

export interface Opened {
  /** The document after loading, as the browser has it. */
  readonly dom: string;
  /** A PNG picture of the page. */
  readonly picture: Buffer;
  /** What the page wrote to the console: errors of parsing, blocked requests. */
  readonly console: readonly string[];
}

const QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"];

/** Opens a file and takes its picture. `dark`: the reader prefers dark. */
export function openInBrowser(file: string, { width = 1120, height = 2000, dark = false } = {}): Opened {
  const directory = mkdtempSync(join(tmpdir(), "foliolab-browser-"));
  try {
    const picture = join(directory, "page.png");
    const run = (...options: string[]): { stdout: string; stderr: string } => {
      const result = spawnSync(
        "chromium",
        [...QUIET, `--user-data-dir=${join(directory, "profile")}`, `--window-size=${width},${height}`, "--enable-logging=stderr", `--blink-settings=preferredColorScheme=${dark ? 0 : 1}`, ...options, pathToFileURL(resolve(file)).href],
        { encoding: "utf8", maxBuffer: 2 ** 28, timeout: 100_000 },
      );
      if (result.error !== undefined) {
        if ("code" in result.error && result.error.code === "ENOENT") throw new Error("chromium is not installed; `make setup` installs it");
        throw result.error;
      }
      return result;
    };
    const { stdout, stderr } = run("--dump-dom");
    run(`--screenshot=${picture}`);
    return { dom: stdout, picture: readFileSync(picture), console: stderr.split("\n").filter((line) => line.includes(":CONSOLE")) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
