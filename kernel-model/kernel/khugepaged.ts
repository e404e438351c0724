/**
 * The thread khugepaged: a scan every scan_sleep_millisecs of virtual time, while there is something to scan.
 *
 * Linux: mm/khugepaged.c khugepaged(), khugepaged_wait_work(). Differs: the first scan comes one sleep after the first area, and the scan itself
 * takes no time.
 */
import type { MemorySystem } from "../mm/memory-system.js";
import { khugepagedDoScan } from "../mm/khugepaged-scan.js";
import type { Clock, Timer } from "./clock.js";

const NANOSECONDS_PER_MILLISECOND = 1e6;

/** Lets khugepaged work by this clock, from now on. */
export function startKhugepaged(sys: MemorySystem, clock: Clock): void {
  let timer: Timer | undefined;
  const sleep = (): void => {
    const expires = clock.monotonic + Math.max(1, sys.thp.khugepaged.scanSleepMillisecs) * NANOSECONDS_PER_MILLISECOND;
    // A shorter sleep that has been set in the meantime counts from here.
    if (timer !== undefined && timer.expires <= expires) return;
    if (timer !== undefined) clock.cancel(timer);
    timer = clock.addBackground(expires, () => {
      timer = undefined;
      if (khugepagedDoScan(sys)) sleep();
    });
  };
  sys.hugeMemory.khugepaged.wakeUp = sleep;
}
