/**
 * The line discipline of a terminal: editing of lines, echo, signals of keys, conversion of output.
 *
 * Linux: drivers/tty/n_tty.c n_tty_receive_char(), canon_copy_from_read_buf(), process_output(); include/uapi/asm-generic/termbits.h.
 */

import { TERMIOS2_BYTES } from "./termios.js";

/** c_iflag. */
const INLCR = 0o100;
const IGNCR = 0o200;
const ICRNL = 0o400;
const IXON = 0o2000;
/** c_oflag. */
const OPOST = 0o1;
const ONLCR = 0o4;
const OCRNL = 0o10;
/** c_cflag: B38400 | CS8 | CREAD. */
const CFLAG = 0o17 | 0o60 | 0o200;
/** c_lflag. */
const ISIG = 0o1;
const ICANON = 0o2;
const ECHO = 0o10;
const ECHOE = 0o20;
const ECHOK = 0o40;
const ECHONL = 0o100;
const NOFLSH = 0o200;
const ECHOCTL = 0o1000;
const ECHOKE = 0o4000;
const IEXTEN = 0o100000;
/** c_cc. */
const VINTR = 0;
const VQUIT = 1;
const VERASE = 2;
const VKILL = 3;
const VEOF = 4;
const VMIN = 6;
const VSUSP = 10;
const VEOL = 11;
const VWERASE = 14;
const VLNEXT = 15;
const VEOL2 = 16;
const CC = 17;
const CC_DEFAULTS = [3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0];

const SIGINT = 2;
const SIGQUIT = 3;
const SIGTSTP = 20;

const NEWLINE = 10;
const RETURN = 13;
const BACKSPACE = 8;
/** Bytes that a terminal holds in each direction. Linux: N_TTY_BUF_SIZE. */
const MOST = 4096;

/** Settings of a new terminal: lines, echo, signals. Linux: tty_std_termios. */
export function standardTermios(): Uint8Array {
  const bytes = new Uint8Array(TERMIOS2_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, ICRNL | IXON, true);
  view.setUint32(4, OPOST | ONLCR, true);
  view.setUint32(8, CFLAG, true);
  view.setUint32(12, ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN, true);
  bytes.set(CC_DEFAULTS, CC);
  view.setUint32(36, 38400, true);
  view.setUint32(40, 38400, true);
  return bytes;
}

export class LineDiscipline {
  /** struct termios2, as the ABI has it. */
  readonly termios = standardTermios();
  /** What the program can read: whole lines, or with ICANON off anything. A line of no bytes is an end of file. */
  private readonly ready: number[][] = [];
  /** The line that is being typed. */
  private line: number[] = [];
  private literal = false;
  /** What the other side can read. */
  private readonly output: number[] = [];
  private readonly signal: (signo: number) => void;

  /** `signal`: a key asks for a signal to the foreground. */
  constructor(signal: (signo: number) => void) {
    this.signal = signal;
  }

  private flag(word: 0 | 1 | 2 | 3): number {
    return new DataView(this.termios.buffer).getUint32(word * 4, true);
  }

  private has(local: number): boolean {
    return (this.flag(3) & local) !== 0;
  }

  private key(index: number): number {
    return this.termios[CC + index]!;
  }

  /** New settings. With ICANON gone, what was typed so far can be read. */
  setTermios(bytes: Uint8Array): void {
    this.termios.set(bytes);
    if (!this.has(ICANON) && this.line.length > 0) this.endLine();
  }

  // --- keys -----------------------------------------------------------------------

  /** Bytes that were typed; how many were taken. */
  receive(bytes: Uint8Array): number {
    let taken = 0;
    for (const byte of bytes) {
      if (this.readable() + this.line.length >= MOST) break;
      this.receiveByte(byte);
      taken++;
    }
    return taken;
  }

  private receiveByte(typed: number): void {
    const input = this.flag(0);
    let byte = typed;
    if (this.literal) {
      this.literal = false;
      this.accept(byte);
      return;
    }
    if (byte === RETURN && (input & IGNCR) !== 0) return;
    if (byte === RETURN && (input & ICRNL) !== 0) byte = NEWLINE;
    else if (byte === NEWLINE && (input & INLCR) !== 0) byte = RETURN;
    if (this.has(ISIG) && this.signalKey(byte)) return;
    if (this.has(ICANON)) this.editLine(byte);
    else this.accept(byte);
  }

  private signalKey(byte: number): boolean {
    if (byte === 0) return false;
    const signo = byte === this.key(VINTR) ? SIGINT : byte === this.key(VQUIT) ? SIGQUIT : byte === this.key(VSUSP) ? SIGTSTP : 0;
    if (signo === 0) return false;
    if (!this.has(NOFLSH)) this.flushInput();
    this.echo(byte);
    this.signal(signo);
    return true;
  }

  private editLine(byte: number): void {
    const is = (index: number): boolean => byte !== 0 && byte === this.key(index);
    if (is(VERASE)) this.erase(1);
    else if (is(VKILL)) this.kill();
    else if (is(VWERASE) && this.has(IEXTEN)) this.erase(this.lastWord());
    else if (is(VLNEXT) && this.has(IEXTEN)) this.literal = true;
    else if (is(VEOF)) this.endLine();
    else if (byte === NEWLINE || is(VEOL) || (is(VEOL2) && this.has(IEXTEN))) {
      if (this.has(ECHO) || (byte === NEWLINE && this.has(ECHONL))) this.echoPlain(byte);
      this.line.push(byte);
      this.endLine();
    } else this.accept(byte);
  }

  private accept(byte: number): void {
    this.echo(byte);
    this.line.push(byte);
    if (!this.has(ICANON)) this.endLine();
  }

  private endLine(): void {
    this.ready.push(this.line);
    this.line = [];
  }

  /** Bytes of the last word and the blanks behind it. */
  private lastWord(): number {
    const isBlank = (byte: number | undefined): boolean => byte === 32 || byte === 9;
    let at = this.line.length;
    while (at > 0 && isBlank(this.line[at - 1])) at--;
    while (at > 0 && !isBlank(this.line[at - 1])) at--;
    return this.line.length - at;
  }

  private erase(count: number): void {
    for (const byte of this.line.splice(Math.max(0, this.line.length - count)).reverse()) {
      if (!this.has(ECHO)) continue;
      if (!this.has(ECHOE)) this.echo(this.key(VERASE));
      else for (let columns = this.isControl(byte) ? 2 : 1; columns > 0; columns--) this.output.push(BACKSPACE, 32, BACKSPACE);
    }
  }

  private kill(): void {
    if (this.has(ECHOE) && this.has(ECHOKE) && this.has(ECHOK)) {
      this.erase(this.line.length);
      return;
    }
    this.line = [];
    this.echo(this.key(VKILL));
    if (this.has(ECHO) && this.has(ECHOK)) this.echoPlain(NEWLINE);
  }

  // --- echo and output --------------------------------------------------------------

  private isControl(byte: number): boolean {
    return this.has(ECHOCTL) && (byte < 32 || byte === 127) && byte !== 9 && byte !== NEWLINE;
  }

  private echo(byte: number): void {
    if (!this.has(ECHO)) return;
    if (this.isControl(byte)) this.output.push(94, byte ^ 64);
    else this.echoPlain(byte);
  }

  private echoPlain(byte: number): void {
    this.output.push(...this.processed(byte));
  }

  private processed(byte: number): readonly number[] {
    const flags = this.flag(1);
    if ((flags & OPOST) === 0) return [byte];
    if (byte === NEWLINE && (flags & ONLCR) !== 0) return [RETURN, NEWLINE];
    return [byte === RETURN && (flags & OCRNL) !== 0 ? NEWLINE : byte];
  }

  /** Bytes that the program writes; how many were taken. */
  write(bytes: Uint8Array): number {
    let taken = 0;
    for (const byte of bytes) {
      if (this.output.length >= MOST) break;
      this.output.push(...this.processed(byte));
      taken++;
    }
    return taken;
  }

  /** Bytes for the other side. */
  takeOutput(most: number): number[] {
    return this.output.splice(0, most);
  }

  get outputBytes(): number {
    return this.output.length;
  }

  // --- reading ----------------------------------------------------------------------

  /** Bytes that the program can read now. */
  readable(): number {
    return this.ready.reduce((sum, { length }) => sum + length, 0);
  }

  /** True if a read would not wait. */
  get hasInput(): boolean {
    if (this.has(ICANON)) return this.ready.length > 0;
    const least = this.key(VMIN);
    return least === 0 || this.readable() >= least;
  }

  /** One line, or with ICANON off as much as there is; undefined: nothing yet. No bytes: end of file. */
  read(most: number): number[] | undefined {
    if (!this.hasInput) return undefined;
    if (!this.has(ICANON)) {
      const all = this.ready.splice(0).flat();
      if (all.length > most) this.ready.push(all.slice(most));
      return all.slice(0, most);
    }
    const line = this.ready[0]!;
    if (line.length > most) return line.splice(0, most);
    this.ready.shift();
    return line;
  }

  flushInput(): void {
    this.ready.length = 0;
    this.line = [];
  }

  flushOutput(): void {
    this.output.length = 0;
  }
}
