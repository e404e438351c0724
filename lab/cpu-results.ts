/**
 * What each CPU of the guest did, and the sums over all of them.
 */
import type { Machine } from "./machine.js";
import type { CpuResult, TlbStats } from "./result.js";

/** One record per CPU, in order. */
export function cpuResults({ cpu, kernel }: Pick<Machine, "cpu" | "kernel">): CpuResult[] {
  cpu.settle();
  return cpu.cores.map(({ mmus, executed, received }, i) => ({
    ...executed,
    contextSwitches: kernel.sched.queues[i]!.switches,
    tlbiReceived: { ...received },
    tlb: Object.fromEntries(mmus.map((mmu) => [mmu.core.name, mmu.stats(executed)])),
  }));
}

/** Two records of the same shape with every number added. */
function added<T>(a: T, b: T): T {
  if (typeof a === "number") return (a + (b as number)) as T;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  return Object.fromEntries(Object.keys(left).map((key) => [key, added(left[key], right[key])])) as T;
}

/** By core preset: the TLBs of all CPUs together. */
export function sumOfCpus(cpus: readonly CpuResult[]): Readonly<Record<string, TlbStats>> {
  const sum: Record<string, TlbStats> = {};
  for (const { tlb } of cpus) {
    for (const [core, stats] of Object.entries(tlb)) sum[core] = sum[core] === undefined ? stats : added(sum[core], stats);
  }
  return sum;
}
