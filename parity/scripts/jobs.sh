for i in 3 1 2; do (sleep "0.$i"; echo "job $i" >>order; exit "$i") & pids+=($!); done
for pid in "${pids[@]}"; do wait "$pid"; echo "ended with $?"; done
cat order
(sleep 0.05; exit 9) &
wait -n
echo "first ended with $?"
sleep 100 & victim=$!
kill -STOP $victim
kill -CONT $victim
kill -KILL $victim
wait $victim 2>/dev/null
echo "victim $?"
set -m
sleep 0.05 &
wait
echo "job control"
set +m
(trap '' TERM; kill -TERM $BASHPID; echo "ignored")
count=0
trap 'count=$((count + 1))' CHLD
for i in 1 2 3; do /usr/bin/env true; done
trap - CHLD
echo "children reaped: $((count > 0))"
ulimit -n 64; ulimit -n
ulimit -c 0; ulimit -c
(ulimit -f 8; head -c 100000 /dev/zero >big; echo "status $?") 2>/dev/null
stat -c %s big
exec 9>lock
flock_is=$(command -v flock || echo none)
echo "${flock_is##*/}"
