import multiprocessing as mp
from multiprocessing import shared_memory

def square(n):
    return n * n

def fill(name, value):
    block = shared_memory.SharedMemory(name)
    block.buf[value] = value
    block.close()

def add(counter, lock):
    for _ in range(100):
        with lock:
            counter.value += 1

if __name__ == "__main__":
    with mp.Pool(3) as pool:
        print(sum(pool.map(square, range(200))), pool.apply(square, (7,)))
    block = shared_memory.SharedMemory(create=True, size=16)
    for p in [mp.Process(target=fill, args=(block.name, v)) for v in range(4)]:
        p.start()
        p.join()
    print(bytes(block.buf[:6]))
    block.close()
    block.unlink()
    counter, lock = mp.Value("i", 0, lock=False), mp.Lock()
    processes = [mp.Process(target=add, args=(counter, lock)) for _ in range(3)]
    for p in processes:
        p.start()
    for p in processes:
        p.join()
    print(counter.value, [p.exitcode for p in processes])
    here, there = mp.Pipe()
    p = mp.Process(target=lambda: there.send({"from": "child"}))
    p.start()
    print(here.recv())
    p.join()
    q = mp.Queue()
    p = mp.Process(target=q.put, args=(list(range(5)),))
    p.start()
    print(q.get())
    p.join()
