# Floating point, associative arrays, name references and coprocesses of ksh93.
typeset -A sum
while read -r number word rest; do (( sum[${word}] += number )); done <a
for key in "${!sum[@]}"; do print -r -- "$key ${sum[$key]}"; done | sort | head -4
(( x = sqrt(2) * 1e3 )); printf '%.3f %s %d\n' $x $(( 10 / 4. )) $(( 16#ff ))
function swap { nameref a=$1 b=$2; typeset t=$a; a=$b b=$t; }
p=left q=right; swap p q; print $p $q
tr a-z A-Z |& print -p hello; exec 3>&p; exec 3>&-; read -p line; print $line
integer i; for (( i = 0; i < 3; i++ )); do print -n "$i "; done; print
(exit 3) | cat; print $?; print ${.sh.version:+version}
