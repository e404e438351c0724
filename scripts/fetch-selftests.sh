#!/usr/bin/env bash
# Unpacks what the mm selftests of Linux 6.12 need out of Debian's package linux-source-6.12 (suite trixie) into the folder given, and makes
# the kernel's user headers there. Nothing is installed and the package system of this machine is not touched: apt runs with state, cache and
# sources of its own, and checks Debian's signature. With SELFTESTS_LINUX=DIR a source tree that is already there is used instead.
# Does nothing if the folder already holds the result.
set -euo pipefail
target=$(realpath -m "$1")
suite=trixie
package=linux-source-6.12
parts=(Makefile Kbuild scripts include usr arch/arm64/include arch/arm64/Makefile arch/arm64/tools
  tools/include tools/testing/selftests/mm tools/testing/selftests/kselftest.h tools/testing/selftests/kselftest_harness.h
  mm/gup_test.h lib/test_hmm_uapi.h)

stamp=$target.stamp
wanted=$(echo "${SELFTESTS_LINUX:-$suite}" | cat - "$0" | sha256sum)
if [ -d "$target" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then exit 0; fi

mkdir -p "$(dirname "$target")"
work=$(mktemp -d "$target.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tree"

if [ -n "${SELFTESTS_LINUX:-}" ]; then
  tar -C "$SELFTESTS_LINUX" -cf - "${parts[@]}" | tar -C "$work/tree" -xf -
else
  mkdir -p "$work"/state/lists/partial "$work"/cache/archives/partial
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $suite main" >"$work/sources.list"
  apt=(apt-get -q
    -o "Dir::State=$work/state" -o Dir::State::status=/dev/null -o "Dir::Cache=$work/cache"
    -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o "APT::Sandbox::User=$(id -un)"
    -o Acquire::Retries=3 -o Acquire::Languages=none)
  "${apt[@]}" update >&2
  (cd "$work" && "${apt[@]}" download "$package" >&2)
  dpkg-deb -x "$work"/"$package"_*.deb "$work/package"
  tar -C "$work/tree" --strip-components=1 -xJf "$work/package/usr/src/$package.tar.xz" "${parts[@]/#/$package/}"
fi

make -C "$work/tree" ARCH=arm64 headers >&2
# The programs ask for it; without liburing it is empty.
: >"$work/tree/local_config.h"

rm -rf "$target"
mv "$work/tree" "$target"
echo "$wanted" >"$stamp"
