trap 'echo "exit with $?"' EXIT
trap 'echo interrupted' INT
trap 'echo usr1' USR1
trap 'echo alarm; done=1' ALRM
kill -INT $$
kill -USR1 $$
(sleep 0.1; kill -ALRM $$) &
until [ -n "$done" ]; do read -r -t 0.02 _ < <(sleep 0.05) || :; done
wait
trap 'echo "error in line $LINENO"' ERR
false
trap - ERR
bash -c 'trap "echo inner pipe >&2" PIPE; yes | head -n 1'
(exec 2>/dev/null; bash -c 'head -c 3 /dev/zero | od -c; kill -ABRT $$'; exit $?)
echo "child $?"
(exec 2>/dev/null; python3.11 -c 'import os,signal; os.kill(os.getpid(), signal.SIGUSR2)'; exit $?)
echo "python $?"
exit 5
