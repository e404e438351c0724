/** The part of capstone-wasm that foliolab uses; the package's export map hides its own declarations from NodeNext. */
declare module "capstone-wasm" {
  export class Capstone {
    constructor(arch: number, mode: number);
    disasm(data: Uint8Array, options?: { address?: number | bigint; count?: number }): { address: number | bigint; size: number; mnemonic: string; opStr: string }[];
    close(): void;
  }
  export const Const: { readonly CS_ARCH_ARM64: number; readonly CS_MODE_LITTLE_ENDIAN: number };
  export function loadCapstone(): Promise<void>;
}
