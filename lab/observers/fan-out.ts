/** Several listeners on the one observer port of the memory system. */
import type { Order, Va } from "../../emulator/arch/addr.js";
import type { MmStruct } from "../../kernel-model/mm/mm-struct.js";
import type { ContpteCall, FaultKind, MmObserver } from "../../kernel-model/mm/observer.js";
import type { Vma } from "../../kernel-model/mm/vma.js";

export class FanOut implements MmObserver {
  private readonly observers: readonly Partial<MmObserver>[];

  constructor(observers: readonly Partial<MmObserver>[]) {
    this.observers = observers;
  }

  abort(mm: MmStruct, far: Va, esr: number): void {
    for (const observer of this.observers) observer.abort?.(mm, far, esr);
  }

  faultEnter(mm: MmStruct, address: Va, flags: number): void {
    for (const observer of this.observers) observer.faultEnter?.(mm, address, flags);
  }

  faultExit(mm: MmStruct, vma: Vma, address: Va, flags: number, result: number): void {
    for (const observer of this.observers) observer.faultExit?.(mm, vma, address, flags, result);
  }

  faultServed(mm: MmStruct, address: Va, kind: FaultKind, order: Order): void {
    for (const observer of this.observers) observer.faultServed?.(mm, address, kind, order);
  }

  contpteConvert(mm: MmStruct, address: Va, target: bigint): void {
    for (const observer of this.observers) observer.contpteConvert?.(mm, address, target);
  }

  contpteCall(mm: MmStruct, call: ContpteCall, address: Va, nr: number): void {
    for (const observer of this.observers) observer.contpteCall?.(mm, call, address, nr);
  }

  mmExit(mm: MmStruct): void {
    for (const observer of this.observers) observer.mmExit?.(mm);
  }
}
