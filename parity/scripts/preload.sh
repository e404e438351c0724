# Other allocators under programs that know nothing of them. qemu-aarch64 is given LD_PRELOAD too, and its loader complains.
exec 2>/dev/null
folder=/usr/lib/aarch64-linux-gnu
for library in libjemalloc.so.2 libtcmalloc_minimal.so.4 libmimalloc.so.2.0; do
  echo $library
  LD_PRELOAD=$folder/$library lua5.4 -e 'local t = {} for i = 1, 60000 do t[i] = ("x"):rep(i % 90) end for i = 1, 60000, 2 do t[i] = nil end collectgarbage() local n = 0 for _, v in pairs(t) do n = n + #v end print(n)'
  LD_PRELOAD=$folder/$library sort --parallel=3 -k2 a | md5sum
  LD_PRELOAD=$folder/$library python3.11 -c 'import threading; r = []; ts = [threading.Thread(target=lambda i=i: r.append(sum(len(bytes(j % 5000)) for j in range(3000)) + i)) for i in range(4)]; [t.start() for t in ts]; [t.join() for t in ts]; print(sorted(r))'
done
