sleep 100 &
kill -TERM $!
wait $!
echo "status $?"
(exec 2>/dev/null; bash -c 'kill -SEGV $$'; exit $?)
echo "status $?"
(exit 7)
echo "status $?"
kill -0 $$ && echo alive
bash -c 'trap "echo caught; exit 3" USR1; kill -USR1 $$; echo not here'
echo "status $?"
