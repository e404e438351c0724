require "json"
require "digest"
require "zlib"
require "set"
require "stringio"
data = JSON.parse(File.read("in.json"))
puts data.size, data.group_by { |r| r["name"] }.map { |k, v| [v.sum { |r| r["value"] }.round(3), k] }.sort.last(3).inspect
puts Digest::SHA256.file("in.json").hexdigest, Zlib::Inflate.inflate(Zlib::Deflate.deflate("x" * 10_000, 9)).size
q = Queue.new
workers = 4.times.map { |i| Thread.new { sum = 0; while (n = q.pop) != :end; sum += n * n; end; sum } }
1000.times { |n| q << n }
4.times { q << :end }
puts workers.map(&:value).sum
fib = Fiber.new { a, b = 0, 1; loop { Fiber.yield a; a, b = b, a + b } }
puts 90.times.map { fib.resume }.last, 2**200, Rational(1, 3) + Rational(1, 6), (1..20).reduce(:*)
r, w = IO.pipe
pid = fork { r.close; w.puts "child #{Process.pid != 0}"; exit! 3 }
w.close
puts r.read; Process.wait(pid); puts $?.exitstatus
trap("USR1") { puts "signal" }
Process.kill("USR1", Process.pid); sleep 0.01
begin
  Integer("x")
rescue ArgumentError => e
  warn e.message
end
GC.start
File.write("out.txt", ObjectSpace.each_object(Class).count > 100 ? "many\n" : "few\n")
puts "%.10f %s" % [Math::PI, "äöü".upcase], "résumé".scan(/\p{L}/).size
