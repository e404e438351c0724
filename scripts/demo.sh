#!/usr/bin/env bash
# The main job on real binaries: what page size, folio size and contpte do to six programs. Under a minute on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."

compare() {
  printf '\n%s\n' "== $*"
  bin/foliolab compare -- "build/guest/$1" "${@:2}" >/dev/null
}

compare touch 256m       # first touch of every page: faults
compare scan 64m 4       # sequential reads behind it: TLB reach
compare gups 64m 500k    # random updates: TLB misses and walks
compare list 16m         # pointer chase
compare hashjoin 200k
compare bfs 100k
compare forkwrite 32m    # fork and copy-on-write: what it costs to keep blocks folded
