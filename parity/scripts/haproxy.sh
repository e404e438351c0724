# A proxy between two clients and answers of its own.
cat >conf <<CONF
global
  maxconn 50
  nbthread 2
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend outer
  bind 127.0.0.1:28744
  default_backend inner
backend inner
  server one 127.0.0.1:28745
frontend answers
  bind 127.0.0.1:28745
  http-request return status 200 content-type text/plain lf-string "%[method] %[path] %[req.hdr(x-test)]\n"
CONF
haproxy -q -db -f conf & proxy=$!
for i in 1 2 3 4 5 6 7 8 9 10; do curl -s -o /dev/null http://127.0.0.1:28744/ && break; sleep 0.2; done
curl -s -H 'X-Test: one' http://127.0.0.1:28744/path; curl -s -X POST -d body -w '%{http_code}\n' http://127.0.0.1:28744/post
for i in 1 2 3 4; do curl -s "http://127.0.0.1:28744/$i" & done | sort; wait %2 2>/dev/null
kill $proxy; wait $proxy; echo "proxy ended with $?"; rm conf
