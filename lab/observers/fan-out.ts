/** Several listeners on the one observer port of the memory system. */
import type { Order, Va } from "../../emulator/arch/addr.js";
import type { MmStruct } from "../../kernel-model/mm/mm-struct.js";
import type { ContpteCall, FaultKind, MmObserver } from "../../kernel-model/mm/observer.js";
import type { Vma } from "../../kernel-model/mm/vma.js";

/** An observer that has this method. */
type Listening<Name extends keyof MmObserver> = Partial<MmObserver> & Required<Pick<MmObserver, Name>>;

export class FanOut implements MmObserver {
  private readonly aborts: readonly Listening<"abort">[];
  private readonly enters: readonly Listening<"faultEnter">[];
  private readonly exits: readonly Listening<"faultExit">[];
  private readonly served: readonly Listening<"faultServed">[];
  private readonly converts: readonly Listening<"contpteConvert">[];
  private readonly calls: readonly Listening<"contpteCall">[];
  private readonly mmExits: readonly Listening<"mmExit">[];

  /** Who does not listen to an event now is not asked when it happens. */
  constructor(observers: readonly Partial<MmObserver>[]) {
    const listening = <Name extends keyof MmObserver>(name: Name): Listening<Name>[] => observers.filter((observer): observer is Listening<Name> => observer[name] !== undefined);
    this.aborts = listening("abort");
    this.enters = listening("faultEnter");
    this.exits = listening("faultExit");
    this.served = listening("faultServed");
    this.converts = listening("contpteConvert");
    this.calls = listening("contpteCall");
    this.mmExits = listening("mmExit");
  }

  abort(mm: MmStruct, far: Va, esr: number): void {
    for (const observer of this.aborts) observer.abort(mm, far, esr);
  }

  faultEnter(mm: MmStruct, address: Va, flags: number): void {
    for (const observer of this.enters) observer.faultEnter(mm, address, flags);
  }

  faultExit(mm: MmStruct, vma: Vma, address: Va, flags: number, result: number): void {
    for (const observer of this.exits) observer.faultExit(mm, vma, address, flags, result);
  }

  faultServed(mm: MmStruct, address: Va, kind: FaultKind, order: Order): void {
    for (const observer of this.served) observer.faultServed(mm, address, kind, order);
  }

  contpteConvert(mm: MmStruct, address: Va, target: bigint): void {
    for (const observer of this.converts) observer.contpteConvert(mm, address, target);
  }

  contpteCall(mm: MmStruct, call: ContpteCall, address: Va, nr: number): void {
    for (const observer of this.calls) observer.contpteCall(mm, call, address, nr);
  }

  mmExit(mm: MmStruct): void {
    for (const observer of this.mmExits) observer.mmExit(mm);
  }
}
