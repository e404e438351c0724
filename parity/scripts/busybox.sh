bb() { busybox "$@"; }
bb sort -r a | bb head -n 3
bb awk '{ n += NF } END { print n }' a
bb sed -n '5,7p' a
bb md5sum a
bb sha512sum a | bb cut -c1-40
bb gzip -c a | bb gunzip -c | bb cmp - a && echo gzip
bb bzip2 -c a | bb bunzip2 -c | bb cmp - a && echo bzip2
bb tar cf t.tar a && bb tar tf t.tar && bb rm t.tar
bb seq 1 5 | bb xargs echo
bb find . -name 'a'
bb expr 6 \* 7
bb printf '%d-%s\n' 5 x
echo 'scale=5; 10/3' | bb bc
bb test -f a && echo is a file
bb uname -m
bb dd if=a bs=100 count=2 2>/dev/null | bb wc -c
bb diff a /dev/null | bb tail -n 1
bb vi --help >/dev/null 2>&1; echo $?
bb ash -c 'for i in 1 2 3; do echo $i; done | while read x; do echo got $x; done'
bb cal 2 2000
bb od -b a | bb head -n 2
bb tr a-z A-Z <a | bb head -n 1
