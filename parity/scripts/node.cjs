// JSON, hashes, compression, typed arrays, workers, timers, streams and sockets of Node.
const crypto = require("crypto"), fs = require("fs"), zlib = require("zlib"), { Worker, isMainThread, parentPort } = require("worker_threads");
if (!isMainThread) {
  parentPort.once("message", (n) => { let s = 0; for (let i = 0; i < n; i++) s += i % 7; parentPort.postMessage(s); });
} else {
  (async () => {
    const data = JSON.parse(fs.readFileSync("in.json", "utf8"));
    console.log(data.length, data.reduce((sum, { value }) => sum + value, 0));
    console.log(crypto.createHash("sha512").update(JSON.stringify(data)).digest("hex"));
    const packed = zlib.brotliCompressSync(Buffer.from("foliolab ".repeat(5000)));
    console.log(zlib.brotliDecompressSync(packed).length, zlib.gunzipSync(zlib.gzipSync("text")).toString());
    const a = new Float64Array(50000); for (let i = 0; i < a.length; i++) a[i] = Math.sqrt(i); let hot = 0; for (let r = 0; r < 40; r++) for (let i = 0; i < a.length; i++) hot += a[i] * (i & 1 ? 1 : -1);
    console.log(hot.toFixed(6), 2n ** 100n, [..."añb"].length, /(?<=k)a/u.exec("xka").index);
    console.log(await Promise.all([10, 20000].map((n) => new Promise((done) => { const w = new Worker(__filename); w.once("message", done); w.postMessage(n); }))));
    const order = []; setTimeout(() => order.push("timeout"), 5); setImmediate(() => order.push("immediate")); process.nextTick(() => order.push("tick")); await new Promise((done) => setTimeout(done, 20)); console.log(order.join());
    await new Promise((done) => { const s = fs.createWriteStream("out.txt"); for (let i = 0; i < 1000; i++) s.write(`${i}\n`); s.end(done); });
    const net = require("net"); const server = net.createServer((c) => c.end("from server\n")); await new Promise((done) => server.listen(0, "127.0.0.1", done)); await new Promise((done) => { const c = net.connect(server.address().port, "127.0.0.1"); c.on("data", (d) => process.stdout.write(d)); c.on("close", done); }); server.close();
    process.exitCode = 7; try { null.x; } catch (e) { console.error(e.message); }
  })();
}
