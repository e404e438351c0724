/**
 * Settings of a terminal in the three forms that programs know: termio, termios and termios2.
 *
 * A terminal keeps a record of 44 bytes, struct termios2: the first 36 are struct termios, behind them are the speeds of both directions.
 * Linux: drivers/tty/tty_ioctl.c set_termios(), get_termio(), tty_baudrate.c tty_termios_baud_rate(); include/uapi/asm-generic/termbits.h.
 */

/** struct termios2, which has the speeds as numbers. */
export const TERMIOS2_BYTES = 44;
const TERMIOS_BYTES = 36;
/** struct termio: four flag words of 16 bits, the line discipline, eight characters. */
const TERMIO_BYTES = 18;
const TERMIO_CHARACTERS = 8;
/** Offsets in struct termios2. */
const [CFLAG, LINE, CC, ISPEED, OSPEED] = [8, 16, 17, 36, 40];

const CBAUD = 0o010017;
const CBAUDEX = 0o010000;
/** Speed code: the speed is where only termios2 has it. */
const BOTHER = 0o010000;
/** Speed code of the input, above that of the output. */
const IBSHIFT = 16;
/** Speeds by code; those with CBAUDEX follow. Linux: baud_table. */
const SPEEDS = [
  0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 500000, 576000, 921600,
  1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000,
];

type Form = "termio" | "termios" | "termios2";

/** What an ioctl does with the settings. */
export interface TermiosCommand {
  readonly form: Form;
  /** Bytes that it reads or writes. */
  readonly size: number;
  readonly sets: boolean;
  /** What was typed and not read is thrown away first. */
  readonly flushes: boolean;
}

const family = (form: Form, size: number, get: number, set: number): [number, TermiosCommand][] => [
  [get, { form, size, sets: false, flushes: false }],
  ...[0, 1, 2].map((kind): [number, TermiosCommand] => [set + kind, { form, size, sets: true, flushes: kind === 2 }]),
];

const COMMANDS: ReadonlyMap<number, TermiosCommand> = new Map([
  ...family("termios", TERMIOS_BYTES, 0x5401, 0x5402),
  ...family("termio", TERMIO_BYTES, 0x5405, 0x5406),
  ...family("termios2", TERMIOS2_BYTES, 0x802c542a, 0x402c542b),
]);

/** TCGETS, TCSETS, TCSETSW, TCSETSF and their relatives for termio (TCGETA ...) and termios2 (TCGETS2 ...); undefined: another ioctl. */
export function termiosCommand(command: number): TermiosCommand | undefined {
  return COMMANDS.get(command);
}

/** The record as a program sees it in that form. */
export function encodeTermios(form: Form, record: Uint8Array): Uint8Array {
  if (form !== "termio") return record.slice(0, form === "termios" ? TERMIOS_BYTES : TERMIOS2_BYTES);
  const bytes = new Uint8Array(TERMIO_BYTES);
  for (let word = 0; word < 4; word++) bytes.set(record.subarray(word * 4, word * 4 + 2), word * 2);
  bytes.set(record.subarray(LINE, CC + TERMIO_CHARACTERS), 8);
  return bytes;
}

/** The record after a program has set `bytes` in that form: what the form has not stays, and the speeds follow from their codes. */
export function decodeTermios(form: Form, bytes: Uint8Array, before: Uint8Array): Uint8Array {
  const record = before.slice();
  if (form === "termio") {
    for (let word = 0; word < 4; word++) record.set(bytes.subarray(word * 2, word * 2 + 2), word * 4);
    record.set(bytes.subarray(8, 9 + TERMIO_CHARACTERS), LINE);
  } else record.set(bytes);
  const view = new DataView(record.buffer);
  const cflag = view.getUint32(CFLAG, true);
  const output = speedOf(cflag & CBAUD, view.getUint32(OSPEED, true));
  const inputCode = (cflag >>> IBSHIFT) & CBAUD;
  view.setUint32(ISPEED, inputCode === 0 ? output : speedOf(inputCode, view.getUint32(ISPEED, true)), true);
  view.setUint32(OSPEED, output, true);
  return record;
}

/** Bits per second of a speed code; `other` is what BOTHER stands for. */
function speedOf(code: number, other: number): number {
  if (code === BOTHER) return other;
  return SPEEDS[(code & CBAUDEX) === 0 ? code : (code & ~CBAUDEX) + 15] ?? 0;
}
