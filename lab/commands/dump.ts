/** `foliolab ptdump | maps | smaps`: an address space at the end of its program. */
import { formatMaps } from "../../kernel-model/fs/procfs/maps.js";
import { formatSmaps } from "../../kernel-model/fs/procfs/smaps.js";
import type { MmStruct } from "../../kernel-model/mm/mm-struct.js";
import type { DumpOptions } from "../cli.js";
import { parseConfig } from "../config.js";
import { formatPtdump } from "../report/ptdump.js";
import { formatRawDumpOfMm } from "../validate/mm-dump.js";
import { runHere } from "./run.js";
import { say, writeAll } from "./output.js";

const FORMATS = { ptdump: formatPtdump, maps: formatMaps, smaps: formatSmaps } as const satisfies Record<string, (mm: MmStruct) => string>;
export type DumpName = keyof typeof FORMATS;

/** Runs the program with its output going to stderr, so that stdout holds the dump alone. Returns 0 if there was something to dump. */
export async function dumpCommand(name: DumpName, program: string, args: readonly string[], options: DumpOptions): Promise<number> {
  const format = options.raw === true ? formatRawDumpOfMm : FORMATS[name];
  let text: string | undefined;
  await runHere({
    config: parseConfig(options),
    program,
    args,
    guestOutput: false,
    onExit(mm) {
      text = format(mm);
    },
  });
  if (text === undefined) {
    say(`foliolab: ${program}: the program ended without an address space`);
    return 1;
  }
  writeAll(1, Buffer.from(text));
  return 0;
}
