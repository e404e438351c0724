<?php
$data = json_decode(file_get_contents("in.json"), true);
usort($data, fn($a, $b) => $b["value"] <=> $a["value"] ?: $a["id"] <=> $b["id"]);
foreach (array_slice($data, 0, 3) as $r) printf("%d %s %.3f\n", $r["id"], $r["name"], $r["value"]);
echo hash("sha256", serialize($data)), " ", md5(implode(",", array_column($data, "id"))), " ", crc32("abc"), "\n";
function gen($n) { for ($i = 0; $i < $n; $i++) yield $i => $i ** 2; }
$sum = 0; foreach (gen(100000) as $v) $sum += $v; echo $sum, "\n";
$s = ""; for ($i = 0; $i < 20000; $i++) $s .= chr(97 + $i % 26); echo strlen(preg_replace_callback('/[aeiou]+/', fn($m) => strtoupper($m[0]) . "!", $s)), "\n";
try { intdiv(1, 0); } catch (DivisionByZeroError $e) { echo $e->getMessage(), "\n"; }
file_put_contents("out.txt", str_repeat("line\n", 100)); echo count(file("out.txt")), " ", filesize("out.txt"), "\n";
$d = new DateTimeImmutable("@1000000000"); echo $d->add(new DateInterval("P1M"))->format(DATE_ATOM), "\n";
class P { public function __construct(public int $x = 3) {} public function __get($n) { return "no $n"; } } echo (new P(4))->x, " ", (new P)->y, "\n";
fwrite(STDERR, "to stderr\n"); exit(5);
