/** What `--help` of a command says behind its options: what the numbers mean, and examples. */

export const RUN_HELP = `
Who misses (--top): misses of the first core's TLBs and page faults, each put down to the instruction that made the access, to the area it
went to, to the kind of entry that came in, and to its cause:
  cold         no entry for the page has been cached before
  invalidated  TLB maintenance had removed it
  conflict     a fully associative LRU of the same size would have had it
  capacity     all others
Functions come from the ELF symbol tables, source lines from llvm-symbolizer or aarch64-linux-gnu-addr2line if the program has DWARF.

Examples:
  foliolab run -- ./program
  foliolab run --thp 64k=always --top 10 -- ./program
  foliolab run --core all --perfetto t.pftrace --report r.html -- ./program`;

export const CURVE_HELP = `
One run gives the misses of fully associative LRU TLBs of every size at once (stack distances), over the translations that the page tables
hold: pages, contiguous runs and blocks are one entry each. The second column is the same run as if the contiguous bit were not looked at.
The CSV has a row for every number of entries; the picture and the table have some of them.

Examples:
  foliolab curve -- ./program
  foliolab curve --thp 64k=always --csv curve.csv --svg curve.svg -- ./program
  foliolab curve --side instruction -- ./program`;

export const SWEEP_HELP = `
A plan names programs and configurations; every program runs under every configuration. docs/sweep.md has all of it:

  programs:
    - run: build/guest/hashjoin 200k
    - name: small-join
      run: [build/guest/hashjoin, 10k]
  configs:
    - 4k
    - 4k+contpte
    - name: a53
      base: 4k+contpte
      options: {core: cortex-a53}
  options: {memory: 1g}

Results lie in DIR/PROGRAM/CONFIG.json. A run whose program, arguments, configuration and version of foliolab are unchanged is kept.

Examples:
  foliolab sweep plan.yaml
  foliolab sweep --workers 4 --output results plan.yaml`;

export const STUDY_HELP = `
Examples:
  foliolab study
  foliolab study fork-batch
  foliolab study all --json studies.json`;
