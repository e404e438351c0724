// Splay-like tree, sieve, string building, JSON, closures, exceptions, regular expressions: what JavaScript benchmarks do.
function sieve(limit) {
  var composite = new Uint8Array(limit + 1), count = 0;
  for (var i = 2; i <= limit; i++) {
    if (composite[i]) continue;
    count++;
    for (var j = i * 2; j <= limit; j += i) composite[j] = 1;
  }
  return count;
}
function insert(node, key) {
  if (!node) return { key: key, left: null, right: null };
  if (key < node.key) node.left = insert(node.left, key);
  else if (key > node.key) node.right = insert(node.right, key);
  return node;
}
function depth(node) { return node ? 1 + Math.max(depth(node.left), depth(node.right)) : 0; }
var state = 12345, tree = null;
function next() { state = (state * 1103515245 + 12345) % 2147483648; return state; }
for (var i = 0; i < 5000; i++) tree = insert(tree, next() % 100000);
print(sieve(100000), depth(tree));
var parts = [];
for (i = 0; i < 5000; i++) parts.push('item' + (i * 7919) % 5003);
parts.sort();
print(parts[0], parts[4999], parts.join('').length);
var data = { list: parts.slice(0, 50), nested: { a: [1, 2.5, null, true, 'x\u00e9'] } };
print(JSON.stringify(JSON.parse(JSON.stringify(data)).nested));
function nbody(steps) {
  var x = 1, y = 0, vx = 0, vy = 1;
  for (var n = 0; n < steps; n++) {
    var r = Math.pow(x * x + y * y, 1.5);
    vx -= x / r * 0.001; vy -= y / r * 0.001;
    x += vx * 0.001; y += vy * 0.001;
  }
  return [x, y];
}
print(nbody(50000));
var thrown = 0;
for (i = 0; i < 1000; i++) { try { if (i % 3 === 0) throw new TypeError('t' + i); } catch (e) { thrown += e.message.length; } }
print(thrown, 'a1b22c333'.replace(/\d+/g, function (m) { return '<' + m.length + '>'; }));
var counters = [];
for (i = 0; i < 1000; i++) counters.push((function (n) { return function () { return n++; }; })(i));
var sum = 0;
for (i = 0; i < 3000; i++) sum += counters[i % 1000]();
print(sum, 0.1 + 0.2, (123.456).toFixed(1), parseInt('ff', 16), new Date(0).toISOString());
