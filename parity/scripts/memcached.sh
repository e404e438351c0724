# A threaded cache and its client in one guest.
memcached -u root -l 127.0.0.1 -p 28743 -U 0 -t 4 & server=$!
ask() { nc.openbsd -q 2 127.0.0.1 28743; }
for i in 1 2 3 4 5 6 7 8 9 10; do printf 'version\r\nquit\r\n' | ask >/dev/null 2>&1 && break; sleep 0.2; done
printf 'set a 0 0 5\r\nhello\r\nget a\r\nset n 0 0 2\r\n41\r\nincr n 1\r\nappend a 0 0 6\r\n world\r\nget a n\r\ndelete a\r\nget a\r\nquit\r\n' | ask
for i in $(seq 200); do printf 'set k%d 0 0 %d noreply\r\n%s\r\n' $i ${#i} $i; done >sets; { cat sets; printf 'get k7 k150\r\nquit\r\n'; } | ask; rm sets
kill $server; wait $server; echo "server ended with $?"
