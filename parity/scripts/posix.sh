# What every POSIX shell does: functions, here documents, redirection, subshells, expansion, loops, pipes.
fact() { if [ "$1" -le 1 ]; then echo 1; else echo $(($1 * $(fact $(($1 - 1))))); fi; }
fact 10
total=0
while read -r number rest; do
  case $rest in *ka*) total=$((total + number)) ;; esac
done <a
echo "total $total"
cat <<END | tr a-z A-Z
here document: ${total}
$(head -n 1 a)
END
exec 3>out
echo to three >&3
exec 3>&-
for f in *; do echo "<$f>"; done
(cd / && umask 077 && echo in a subshell)
x=path/to/file.tar.gz
echo "${x##*/} ${x%%.*} ${x#*/} ${x%.gz} ${#x} ${y:-default} ${x:+set}"
set -- one two 'three four'
echo "$# $*"
for word; do echo "[$word]"; done
yes | head -n 20000 | wc -l
sort a | cut -d' ' -f2 | sort | uniq -c | sort -k1,1nr -k2 | head -n 5
false || echo "false gives $?"
! true || echo never
i=0
until [ $i -ge 300 ]; do i=$((i + 1)); done
echo $i
command -v no-such-program || echo "no such program"
no-such-program 2>/dev/null
echo "status $?"
printf '%s %05d %x %c\n' text 42 255 z
test -d . && test ! -f nothing && echo tests
eval 'v=1; echo $v'
trap 'echo leaving' EXIT
exit 4
