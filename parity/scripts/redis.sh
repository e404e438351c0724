redis-server --port 26379 --bind 127.0.0.1 --save '' --appendonly no --daemonize no --dir . >log 2>&1 &
server=$!
cli() { redis-cli -p 26379 "$@"; }
for i in $(seq 100); do [ "$(cli ping 2>/dev/null)" = PONG ] && break; sleep 0.1; done
cli set greeting hello
cli get greeting
cli incrby counter 41
cli incr counter
cli rpush list a b c d
cli lrange list 0 -1
cli hset h name x size 5
cli hgetall h
cli zadd z 3 c 1 a 2 b
cli zrange z 0 -1 withscores
cli eval 'local s = 0; for i = 1, tonumber(ARGV[1]) do s = s + i end; return s' 0 10000
seq 1 500 | sed 's/.*/set key:& value&/' | cli --pipe | tail -n 1
cli dbsize
cli --scan --pattern 'key:4?' | sort
cli expire greeting 1000
cli ttl greeting | sed 's/99[0-9]\|1000/about 1000/'
cli get missing
cli no-such-command
printf 'multi\nincr counter\nincr counter\nexec\n' | cli
cli save
stat -c %F dump.rdb
cli shutdown nosave
wait $server
echo "server ended with $?"
rm -f dump.rdb log
