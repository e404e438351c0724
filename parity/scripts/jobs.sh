# Three jobs end in the order 1, 2, 3, whatever the load: each waits for the one before.
mkfifo turn2 turn3
(read -r _ <turn3; echo "job 3" >>order; exit 3) & pids+=($!)
(echo "job 1" >>order; echo >turn2; exit 1) & pids+=($!)
(read -r _ <turn2; echo "job 2" >>order; echo >turn3; exit 2) & pids+=($!)
for pid in "${pids[@]}"; do wait "$pid"; echo "ended with $?"; done
rm turn*
cat order
(sleep 0.05; exit 9) &
wait -n
echo "first ended with $?"
(
  # The shell may report the victim's end with its process number, before or in `wait`.
  exec 2>/dev/null
  sleep 100 & victim=$!
  kill -STOP $victim
  kill -CONT $victim
  kill -KILL $victim
  wait $victim
  echo "victim $?"
)
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
