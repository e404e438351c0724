import concurrent.futures, queue, sys, threading

sys.setswitchinterval(0.0005)
lock = threading.Lock()
total = 0

def add(n):
    global total
    for i in range(n):
        with lock:
            total += i

threads = [threading.Thread(target=add, args=(3000,)) for _ in range(8)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(total)

work, results = queue.Queue(maxsize=5), queue.Queue()

def worker():
    while (item := work.get()) is not None:
        results.put(item * item)

workers = [threading.Thread(target=worker) for _ in range(4)]
for w in workers:
    w.start()
for i in range(500):
    work.put(i)
for _ in workers:
    work.put(None)
for w in workers:
    w.join()
print(sum(results.get() for _ in range(500)), results.empty())

with concurrent.futures.ThreadPoolExecutor(6) as pool:
    print(sum(pool.map(lambda n: sum(range(n)), range(300))))

ready, barrier = threading.Condition(), threading.Barrier(3)
turn, order = 0, []

def take_turns(me):
    global turn
    barrier.wait()
    for _ in range(20):
        with ready:
            ready.wait_for(lambda: turn % 3 == me)
            order.append(me)
            turn += 1
            ready.notify_all()

for t in [threading.Thread(target=take_turns, args=(n,)) for n in range(3)]:
    t.start()
for t in threading.enumerate():
    if t is not threading.main_thread():
        t.join()
print(order[:7], len(order))
event = threading.Event()
threading.Timer(0.05, event.set).start()
print(event.wait(10), event.wait(0))
local = threading.local()
local.x = 1
semaphore = threading.Semaphore(2)
print(semaphore.acquire(timeout=0.01), semaphore.acquire(timeout=0.01), semaphore.acquire(timeout=0.01))
