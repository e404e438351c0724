/**
 * Signal numbers, si_code values and sigaction flags of the arm64 ABI.
 *
 * Linux: include/uapi/asm-generic/signal.h, siginfo.h, arch/arm64/include/uapi/asm/signal.h.
 */
export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGQUIT = 3;
export const SIGILL = 4;
export const SIGTRAP = 5;
export const SIGABRT = 6;
export const SIGBUS = 7;
export const SIGFPE = 8;
export const SIGKILL = 9;
export const SIGUSR1 = 10;
export const SIGSEGV = 11;
export const SIGUSR2 = 12;
export const SIGPIPE = 13;
export const SIGALRM = 14;
export const SIGTERM = 15;
export const SIGSTKFLT = 16;
export const SIGCHLD = 17;
export const SIGCONT = 18;
export const SIGSTOP = 19;
export const SIGTSTP = 20;
export const SIGTTIN = 21;
export const SIGTTOU = 22;
export const SIGURG = 23;
export const SIGXCPU = 24;
export const SIGXFSZ = 25;
export const SIGVTALRM = 26;
export const SIGPROF = 27;
export const SIGWINCH = 28;
export const SIGIO = 29;
export const SIGPWR = 30;
export const SIGSYS = 31;
export const SIGPOLL = SIGIO;
/** First real-time signal as the kernel counts them. */
export const SIGRTMIN = 32;
/** Number of signals; valid numbers are 1 to 64. */
export const NSIG = 64;

const NAMES: readonly string[] = [
  "",
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGILL",
  "SIGTRAP",
  "SIGABRT",
  "SIGBUS",
  "SIGFPE",
  "SIGKILL",
  "SIGUSR1",
  "SIGSEGV",
  "SIGUSR2",
  "SIGPIPE",
  "SIGALRM",
  "SIGTERM",
  "SIGSTKFLT",
  "SIGCHLD",
  "SIGCONT",
  "SIGSTOP",
  "SIGTSTP",
  "SIGTTIN",
  "SIGTTOU",
  "SIGURG",
  "SIGXCPU",
  "SIGXFSZ",
  "SIGVTALRM",
  "SIGPROF",
  "SIGWINCH",
  "SIGIO",
  "SIGPWR",
  "SIGSYS",
];

/** Name of a signal number for reports: SIGSEGV, SIGRTMIN+3. */
export function signalName(signo: number): string {
  const name = NAMES[signo];
  if (name !== undefined && name !== "") return name;
  return signo === SIGRTMIN ? "SIGRTMIN" : `SIGRTMIN+${signo - SIGRTMIN}`;
}

/** Number of a signal name as signalName() writes it. Throws RangeError for a name that is none. */
export function signalNumber(name: string): number {
  const realTime = /^SIGRTMIN(?:\+(\d+))?$/.exec(name);
  const signo = realTime === null ? NAMES.indexOf(name) : SIGRTMIN + Number(realTime[1] ?? 0);
  if (signo < 1) throw new RangeError(`signalNumber: there is no ${name}`);
  return signo;
}

/* si_code, general. */
export const SI_USER = 0;
export const SI_KERNEL = 0x80;
export const SI_QUEUE = -1;
export const SI_TIMER = -2;
export const SI_MESGQ = -3;
export const SI_ASYNCIO = -4;
export const SI_SIGIO = -5;
export const SI_TKILL = -6;

/* si_code of SIGILL. */
export const ILL_ILLOPC = 1;
export const ILL_ILLOPN = 2;
export const ILL_ILLADR = 3;
export const ILL_ILLTRP = 4;
export const ILL_PRVOPC = 5;

/* si_code of SIGFPE. */
export const FPE_INTDIV = 1;
export const FPE_INTOVF = 2;
export const FPE_FLTDIV = 3;

/* si_code of SIGSEGV. */
/** Address not mapped. */
export const SEGV_MAPERR = 1;
/** Mapped, but the access is not permitted. */
export const SEGV_ACCERR = 2;

/* si_code of SIGBUS. */
/** Unaligned address. */
export const BUS_ADRALN = 1;
/** Nothing behind the address: beyond the end of a file. */
export const BUS_ADRERR = 2;
export const BUS_OBJERR = 3;
export const BUS_MCEERR_AR = 4;

/* si_code of SIGTRAP. */
export const TRAP_BRKPT = 1;
export const TRAP_TRACE = 2;

/* si_code of SIGCHLD. */
export const CLD_EXITED = 1;
export const CLD_KILLED = 2;
export const CLD_DUMPED = 3;
export const CLD_TRAPPED = 4;
export const CLD_STOPPED = 5;
export const CLD_CONTINUED = 6;

/* sa_flags. */
export const SA_NOCLDSTOP = 0x1;
export const SA_NOCLDWAIT = 0x2;
export const SA_SIGINFO = 0x4;
export const SA_EXPOSE_TAGBITS = 0x800;
export const SA_RESTORER = 0x04000000;
export const SA_ONSTACK = 0x08000000;
export const SA_RESTART = 0x10000000;
export const SA_NODEFER = 0x40000000;
export const SA_RESETHAND = 0x80000000;

/* sa_handler. */
export const SIG_DFL = 0n;
export const SIG_IGN = 1n;

/* how of rt_sigprocmask. */
export const SIG_BLOCK = 0;
export const SIG_UNBLOCK = 1;
export const SIG_SETMASK = 2;

/* ss_flags of sigaltstack. */
export const SS_ONSTACK = 1;
export const SS_DISABLE = 2;
export const SS_AUTODISARM = 0x80000000;
export const MINSIGSTKSZ = 5120;
