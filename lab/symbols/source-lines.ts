/**
 * Source lines of code addresses, by a symbolizer that is installed: llvm-symbolizer or the cross binutils' addr2line.
 *
 * DWARF is a language of its own that both read well; a reader of ours would only be worse. Without either, lines are unknown.
 */
import { spawnSync } from "node:child_process";
import { relative } from "node:path";

interface Tool {
  readonly command: string;
  /** Options before the addresses, which come on standard input, one per line. Each answer is one line, file:line. */
  readonly options: (file: string) => readonly string[];
}

const TOOLS: readonly Tool[] = [
  { command: "llvm-symbolizer", options: (file) => ["--output-style=GNU", "--functions=none", "--no-inlines", `--obj=${file}`] },
  { command: "aarch64-linux-gnu-addr2line", options: (file) => ["-e", file] },
];

export interface SourceLines {
  /** The tool that answers. */
  readonly tool: string;
  /** "file.c:12" by address, for those that have one; paths below the working directory are relative to it. `file`: on the host. */
  lines(file: string, addresses: readonly number[]): Map<number, string>;
}

/** The first symbolizer of `path` (as in PATH; default: this process's) that is installed, or undefined. */
export function findSymbolizer(path = process.env["PATH"]): SourceLines | undefined {
  const env = { ...process.env, PATH: path ?? "" };
  const tool = TOOLS.find(({ command }) => spawnSync(command, ["--version"], { env, stdio: "ignore" }).status === 0);
  if (tool === undefined) return undefined;
  return {
    tool: tool.command,
    lines(file, addresses) {
      const input = addresses.map((address) => `0x${address.toString(16)}\n`).join("");
      const { status, stdout } = spawnSync(tool.command, tool.options(file), { env, input, encoding: "utf8", maxBuffer: 2 ** 28 });
      const answers = status === 0 ? stdout.split("\n") : [];
      const lines = new Map<number, string>();
      addresses.forEach((address, i) => {
        const match = /^(.+):(\d+)/.exec(answers[i] ?? "");
        if (match === null || match[1]!.startsWith("?") || match[2] === "0") return;
        lines.set(address, `${shorten(match[1]!)}:${match[2]!}`);
      });
      return lines;
    },
  };
}

function shorten(file: string): string {
  const below = relative(process.cwd(), file);
  return file.startsWith("/") && !below.startsWith("..") ? below : file;
}
