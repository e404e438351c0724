set -o pipefail
sort -k2 a | awk '{ print $2 }' | uniq -c | sort -rn -k1,1 -k2,2 | head -n 10 | sed 's/^ *//' | tee top | nl
tr -cs 'a-z' '\n' <a | grep -E '^.{9,}$' | sort -u | wc -l
cat a | tee >(wc -c >chars; echo done >>chars) >(md5sum >sum) >/dev/null
wait
for i in $(seq 20); do [ -s chars ] && [ -s sum ] && grep -q done chars && break; sleep 0.1; done
cat sum chars
diff <(sort a) <(sort -r a | sort) && echo same
paste -d, <(seq 1 5) <(seq 6 10) <(seq 11 15)
seq 1 100000 | tail -n 1
seq 1 100000 | head -n 1
yes 2>/dev/null | head -n 3 >/dev/null
echo "${PIPESTATUS[0]} ${PIPESTATUS[1]}"
false | true
echo $?
mkfifo pipe
(for i in 1 2 3; do echo "line $i"; done >pipe) &
while read -r line; do echo "got $line"; done <pipe
wait
rm pipe
x=$(for i in $(seq 1 40); do echo $i | cat | cat; done | paste -sd+ | bc)
echo "$x"
dd if=/dev/zero bs=64k count=64 status=none | sha256sum
split -n l/3 --filter='wc -l' a
xargs -n 50 -P 3 echo < <(seq 1 1000) | tr ' ' '\n' | sort -n | md5sum
