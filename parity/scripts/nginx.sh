# A web server with two workers and its client in one guest.
mkdir -p www logs && cp a www/a.txt && echo '<p>hello</p>' >www/index.html
cat >conf <<CONF
user root; worker_processes 2; pid pid; error_log logs/error.log crit; daemon on;
events { worker_connections 64; }
http { access_log off; client_body_temp_path logs/b; proxy_temp_path logs/p; fastcgi_temp_path logs/f; uwsgi_temp_path logs/u; scgi_temp_path logs/s; types { text/html html; text/plain txt; } gzip on; gzip_min_length 1; gzip_types text/plain;
  server { listen 127.0.0.1:28741; root $PWD/www; location /gone { return 410; } location /moved { return 301 http://127.0.0.1:28741/a.txt; } } }
CONF
nginx -p "$PWD" -c "$PWD/conf" || exit
for i in 1 2 3 4 5 6 7 8 9 10; do curl -s -o /dev/null http://127.0.0.1:28741/ && break; sleep 0.2; done
get() { curl -s -w '%{http_code} %{size_download} %{content_type}\n' "$@"; }
get http://127.0.0.1:28741/; get http://127.0.0.1:28741/gone | tail -1; get http://127.0.0.1:28741/none | tail -1
get -L http://127.0.0.1:28741/moved | sha256sum; get -r 100-199 http://127.0.0.1:28741/a.txt; get --compressed http://127.0.0.1:28741/a.txt | md5sum
for i in 1 2 3 4 5 6; do curl -s http://127.0.0.1:28741/a.txt | wc -c & done; wait
nginx -p "$PWD" -c "$PWD/conf" -s quit 2>/dev/null; for i in 1 2 3 4 5 6 7 8 9 10; do [ -e pid ] || break; sleep 0.2; done; ls pid 2>&1 | wc -l; rm -rf logs www conf
