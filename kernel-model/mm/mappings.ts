/**
 * Identifiers for the objects that Pages.mapping names: a typed column cannot hold a reference.
 *
 * Linux: include/linux/page-flags.h PAGE_MAPPING_ANON; here the page's PG_ANON says which kind it is.
 */
import { ModelBug } from "../../emulator/arch/errors.js";
import type { AddressSpace } from "../fs/file.js";
import type { AnonVma } from "./anon-vma.js";
import type { Mappings } from "./memory-system.js";

/** An empty table. Identifiers start at 1; a released one is given out again. */
export function createMappings(): Mappings {
  const objects: (AnonVma | AddressSpace | undefined)[] = [undefined];
  const free: number[] = [];
  const reserve = (): number => {
    const id = free.pop();
    if (id !== undefined) return id;
    objects.push(undefined);
    return objects.length - 1;
  };
  const find = (id: number, where: string): AnonVma | AddressSpace => {
    const object = objects[id];
    if (object === undefined) throw new ModelBug(`${where}: identifier ${id} names nothing`);
    return object;
  };
  return {
    reserve,
    allocate(object) {
      const id = reserve();
      objects[id] = object;
      return id;
    },
    put(id, object) {
      if (id <= 0 || id >= objects.length || objects[id] !== undefined) throw new ModelBug(`Mappings.put: identifier ${id} was not reserved`);
      objects[id] = object;
    },
    anonVma(id) {
      const object = find(id, "Mappings.anonVma");
      if ("inode" in object) throw new ModelBug(`Mappings.anonVma: identifier ${id} names an address_space`);
      return object;
    },
    addressSpace(id) {
      const object = find(id, "Mappings.addressSpace");
      if (!("inode" in object)) throw new ModelBug(`Mappings.addressSpace: identifier ${id} names an anon_vma`);
      return object;
    },
    addressSpaces() {
      return objects.filter((object) => object !== undefined && "inode" in object);
    },
    release(id) {
      find(id, "Mappings.release");
      objects[id] = undefined;
      free.push(id);
    },
  };
}
