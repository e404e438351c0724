-- Traces, their side exits, the C interface and coroutines.
local ffi, bit = require("ffi"), require("bit")
ffi.cdef [[ typedef struct { double x, y; } point; int snprintf(char *, size_t, const char *, ...); void *malloc(size_t); void free(void *);
  void qsort(void *, size_t, size_t, int (*)(const int *, const int *)); ]]
local sum = 0
for i = 1, 2e7 do sum = sum + (i % 7 == 0 and 1 or i % 3) end
print(sum, jit.status())
local points = ffi.new("point[?]", 1000)
for i = 0, 999 do points[i].x, points[i].y = i, i * i end
local x = 0
for round = 1, 500 do for i = 0, 999 do x = x + points[i].y - points[i].x end end
print(x)
local values = ffi.new("int[8]", { 5, 3, 8, 1, 9, 2, 7, 4 })
ffi.C.qsort(values, 8, 4, function(a, b) return a[0] - b[0] end)
for i = 0, 7 do io.write(values[i], " ") end
local hash = 5381
for i = 1, 3e6 do hash = bit.bxor(bit.lshift(hash, 5), bit.rshift(hash, 2), i % 256) end
print(bit.tohex(hash))
local function walk(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i) end end) end
local total = 0
for i in walk(200000) do total = total + i end
print(total, select(2, pcall(error, { code = 7 })).code)
local text = {}
for word in io.open("a"):read("*a"):gmatch("%a+") do text[word] = (text[word] or 0) + 1 end
local count = 0
for _ in pairs(text) do count = count + 1 end
print(count)
local buffer = ffi.new("char[64]")
ffi.C.snprintf(buffer, 64, "%.3f %s", ffi.cast("double", 2.5), ffi.cast("const char *", "done"))
print(ffi.string(buffer))
