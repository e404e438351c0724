# Every compressor through tar and back. The archives are made of fixed times and owners.
tar=(tar --sort=name --mtime='2001-02-03 UTC' --owner=0 --group=0 --numeric-owner)
"${tar[@]}" -cf plain.tar d
tar -tvf plain.tar
for how in gzip:-z bzip2:-j xz:-J zstd:--zstd; do
  name=${how%%:*}
  GZIP=-n "${tar[@]}" -c "${how##*:}" -f "$name.tar" d
  mkdir "$name"
  tar -x -f "$name.tar" -C "$name"
  diff -r d "$name/d" && echo "$name: same, $(stat -c %s "$name.tar") bytes"
  rm -r "$name"
done
gzip -c d/a | zcat | cmp - d/a && echo zcat
xz -c d/b | xz -t && echo xz tests
zstd -qc d/a | zstdcat | sha256sum
bzip2 -c d/b | bzcat | sha256sum
tar -cf - d | (mkdir in && cd in && tar -xf -) && find in | sort
touch -d '2001-02-03 04:05:06 UTC' in/d/a && tar -df plain.tar -C in 2>&1 | sed 's/ .*is/ is/' | sort
zgrep -c kalo <(gzip -c d/a)
