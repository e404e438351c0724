# TCP, Unix sockets and a pseudo-terminal between processes of one guest.
socat TCP-LISTEN:28742,bind=127.0.0.1,reuseaddr,fork EXEC:cat & tcp=$!
socat UNIX-LISTEN:s,fork SYSTEM:'tr a-z A-Z' & unix=$!
for i in 1 2 3 4 5 6 7 8 9 10; do socat -u OPEN:/dev/null TCP:127.0.0.1:28742 2>/dev/null && [ -S s ] && break; sleep 0.2; done
echo over tcp | socat - TCP:127.0.0.1:28742
head -c 50000 a | socat -t5 - TCP:127.0.0.1:28742 | md5sum
echo over unix | socat - UNIX-CONNECT:s
kill $tcp $unix; wait $tcp $unix; echo "ended with $?"; rm -f s
socat -u EXEC:'echo from a terminal',pty,stderr - | tr -d '\r'
