import collections, csv, io, json, re, zlib, bz2, lzma, base64, struct, decimal, fractions, itertools, statistics

with open("in.json") as f:
    data = json.load(f)
print(len(data), sum(r["value"] for r in data), collections.Counter(t for r in data for t in r["tags"]).most_common(4))
print(statistics.median(r["value"] for r in data), statistics.stdev(r["value"] for r in data))
with open("out.json", "w") as f:
    json.dump(sorted(data, key=lambda r: (r["name"], -r["id"])), f, indent=1, sort_keys=True)
buffer = io.StringIO()
writer = csv.DictWriter(buffer, ["id", "name", "value"], extrasaction="ignore")
writer.writeheader()
writer.writerows(data[:100])
raw = buffer.getvalue().encode()
for module in (zlib, bz2, lzma):
    packed = module.compress(raw)
    assert module.decompress(packed) == raw
    print(module.__name__, len(raw), len(packed))
print(base64.b85encode(raw[:20]), struct.pack(">IhdQ", 1, -2, 3.5, 2**63).hex())
decimal.getcontext().prec = 60
print(decimal.Decimal(2).sqrt(), fractions.Fraction(355, 113) + 1, 3**200)
print(re.sub(r"(\w)(\w*)", lambda m: m[2] + m[1], "pig latin of a sentence"))
print(list(itertools.islice(itertools.permutations("abcd"), 5)))
try:
    json.loads('{"broken": ')
except json.JSONDecodeError as error:
    print(error)
