/** A64 machine code from assembly text, by the cross assembler. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const known = new Map<string, Uint8Array>();

function tool(command: string, args: readonly string[]): void {
  const result = spawnSync(command, args, { encoding: "utf8" });
  if (result.error !== undefined) throw new Error(`${command} cannot be run; \`make setup\` installs it (${result.error.message})`);
  if (result.status !== 0) throw new Error(`${command} failed:\n${result.stderr}`);
}

/** The bytes of the text section. All extensions that the assembler knows are allowed; the code must not need relocation. */
export function assemble(source: string): Uint8Array {
  const ready = known.get(source);
  if (ready !== undefined) return ready;
  const folder = mkdtempSync(join(tmpdir(), "assembly-"));
  try {
    const [text, object, binary] = ["code.s", "code.o", "code.bin"].map((name) => join(folder, name)) as [string, string, string];
    writeFileSync(text, `${source}\n`);
    tool("aarch64-linux-gnu-as", ["-march=armv8.5-a+crypto+sha3+sm4+sve+rng+fp16fml", "-o", object, text]);
    tool("aarch64-linux-gnu-objcopy", ["-O", "binary", "-j", ".text", object, binary]);
    const bytes = new Uint8Array(readFileSync(binary));
    known.set(source, bytes);
    return bytes;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
