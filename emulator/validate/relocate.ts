/**
 * A page table copied into RAM at the bottom of memory, so that the walker and the oracle can translate through tables that lie anywhere.
 *
 * Leaves stay as they are; the addresses in table descriptors become those of the copies. A table that is not in the dump stays outside
 * of RAM, an address beyond the output size stays one.
 */
import type { Asid, Pa } from "../arch/addr.js";
import { alignUp } from "../arch/addr.js";
import { nextTable, nextTableMask } from "../arch/descriptor.js";
import { ConfigError } from "../arch/errors.js";
import { decodeTtbr0 } from "../arch/sysreg.js";
import { MAX_MEMORY_BYTES, PhysicalMemory } from "../memory/physical-memory.js";
import { kindOf } from "./descriptor-fields.js";
import type { TableMemory, TableRegime } from "./table-memory.js";
import { type VisitedTable, visitTables } from "./visit-tables.js";

export interface RelocatedTables {
  readonly memory: PhysicalMemory;
  /** The same regime with the copy's root. */
  readonly regime: TableRegime;
  readonly tables: readonly VisitedTable[];
}

const WASM_PAGE = 65536;
/** OA[51:48] of the 64K granule. */
const HIGH_ADDRESS_64K = 0xfn << 12n;

/** Copy all tables that `regime` reaches. Throws ConfigError if they do not fit guest RAM. */
export function relocateTables(source: TableMemory, regime: TableRegime): RelocatedTables {
  const { granule } = regime;
  const tables: VisitedTable[] = [];
  const places = new Map<string, number>();
  visitTables(source, regime, {
    table(table) {
      places.set(`${table.level} ${table.at}`, tables.length * granule.pageSize);
      tables.push(table);
    },
    problem: () => undefined,
  });
  const bytes = alignUp(Math.max(1, tables.length) * granule.pageSize, WASM_PAGE);
  const outside = Math.min(MAX_MEMORY_BYTES, 2 ** regime.oaBits) - granule.pageSize;
  if (bytes > outside) throw new ConfigError(`${tables.length} tables are more than the oracle can hold`);
  const memory = new PhysicalMemory(bytes);
  const keep = ~(nextTableMask(granule) | (granule.name === "64k" ? HIGH_ADDRESS_64K : 0n));
  tables.forEach(({ level, words, context }, number) => {
    const at = (number * granule.pageSize) / 8;
    words.forEach((value, index) => {
      if (value === 0n) return;
      let copied = value;
      if (kindOf(value, context) === "table") {
        const next = nextTable(value, granule);
        if (next < 2 ** regime.oaBits) copied = (value & keep) | BigInt(places.get(`${level + 1} ${next}`) ?? outside);
      }
      memory.u64[at + index] = copied;
    });
  });
  const root = (tables.length === 0 ? outside : 0) as Pa;
  const asid: Asid = decodeTtbr0(regime.registers.ttbr0).asid;
  const ttbr0 = (BigInt(asid) << 48n) | BigInt(root);
  return { memory, regime: { ...regime, root, registers: { ...regime.registers, ttbr0 } }, tables };
}
