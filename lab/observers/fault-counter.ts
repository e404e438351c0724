/** Counts what the faults of a run turned out to be, by kind and by the order of the folio that was mapped. */
import type { Order } from "../../emulator/arch/addr.js";
import { FAULT_KINDS, type FaultKind, type MmObserver } from "../../kernel-model/mm/observer.js";

export class FaultCounter implements Partial<MmObserver> {
  private readonly kinds: Record<FaultKind, number> = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as Record<FaultKind, number>;
  /** Indexed by order. */
  private readonly orders: number[] = [];
  /** Faults come in runs of one kind: those of the present run are not in `kinds` yet. */
  private kind: FaultKind = "anonRead";
  private run = 0;

  faultServed(_mm: unknown, _address: unknown, kind: FaultKind, order: Order): void {
    if (kind !== this.kind) {
      this.endRun();
      this.kind = kind;
    }
    this.run++;
    this.orders[order] = (this.orders[order] ?? 0) + 1;
  }

  private endRun(): void {
    this.kinds[this.kind] += this.run;
    this.run = 0;
  }

  get byKind(): Readonly<Record<FaultKind, number>> {
    this.endRun();
    return this.kinds;
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
