/** One line of the parity table: a program, what it is given, and where it runs. Data only. */

export interface ParityEntry {
  /** Unique; also the name of its scratch directory. */
  readonly name: string;
  /** The program as a name in the sysroot's /usr/bin or /usr/sbin, or as a path in the scratch directory (./x), and its arguments. */
  readonly argv: readonly string[];
  readonly stdin?: string | Uint8Array;
  /** Files of the scratch directory, which is the working directory, before the run. Names that end in .sh are executable. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** On top of PATH, HOME, LC_ALL and TZ. */
  readonly env?: Readonly<Record<string, string>>;
  /** Guest memory, where the default does not do. */
  readonly memory?: string;
  /** The program relies on pages of 4K, and fails on a real kernel with larger ones too. */
  readonly only4k?: true;
}
