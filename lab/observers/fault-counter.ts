/** Counts what the faults of a run turned out to be, by kind and by the order of the folio that was mapped. */
import type { Order } from "../../emulator/arch/addr.js";
import { FAULT_KINDS, type FaultKind, type MmObserver } from "../../kernel-model/mm/observer.js";

export class FaultCounter implements Partial<MmObserver> {
  readonly byKind: Record<FaultKind, number> = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as Record<FaultKind, number>;
  /** Indexed by order. */
  private readonly orders: number[] = [];

  faultServed(_mm: unknown, _address: unknown, kind: FaultKind, order: Order): void {
    this.byKind[kind]++;
    this.orders[order] = (this.orders[order] ?? 0) + 1;
  }

  /** Faults by folio order; orders that never occurred are absent. */
  byOrder(): Record<string, number> {
    const result: Record<string, number> = {};
    this.orders.forEach((n, order) => {
      if (n > 0) result[order] = n;
    });
    return result;
  }
}
