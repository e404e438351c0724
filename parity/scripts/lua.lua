local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
print(fib(23), math.maxinteger, math.pi, 7 // 2, -7 % 3, 2^0.5)
local t = {}
for i = 1, 20000 do t[i] = (i * 7919) % 10007 end
table.sort(t)
print(#t, t[1], t[10000], t[20000])
local co = coroutine.wrap(function(a) for i = 1, 5 do a = coroutine.yield(a * i) end return "end" end)
for i = 1, 6 do io.write(tostring(co(i)), " ") end
print()
print(("the quick brown fox"):gsub("%w+", string.upper))
print(string.format("%5.2f|%-8s|%08x|%q", 3.14159, "left", 48879, "a\nb"))
print(pcall(error, { code = 1 }), select(2, pcall(function() local x = nil; return x.y end)))
local f <close> = assert(io.open("out.txt", "w"))
for i = 1, 1000 do f:write(i, " ", i * i, "\n") end
f:flush()
local sum = 0
for line in io.lines("out.txt") do sum = sum + tonumber(line:match("%d+$")) end
print(sum, os.rename("out.txt", "squares"), os.getenv("HOME"), io.open("missing"))
local s = {}
for i = 1, 3000 do s[#s + 1] = ("x"):rep(i % 50) end
print(#table.concat(s), collectgarbage("count") > 0, utf8.char(228, 8364), string.pack("<i4", 77):byte(1, -1))
io.popen("echo from a child | tr a-z A-Z"):read("a"):gsub("\n", ""):gsub("^", print)
os.exit(3)
