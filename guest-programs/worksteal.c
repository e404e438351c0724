/*
 * worksteal [LEAVES] [THREADS]: counts the leaves of a random tree with a pool of threads. Each thread has a deque of its own: it pushes and
 * pops at one end without locks, others steal at the other end (Chase and Lev). Who finds no work sleeps on a condition variable.
 * Every node is counted exactly once, or the program says so.
 */
#include <pthread.h>
#include <stdatomic.h>
#include "guest.h"

enum { MOST_THREADS = 16, DEQUE = 1024, GRAIN = 16 };

struct task {
    uint64_t first, count;
};

struct deque {
    atomic_long top, bottom;
    _Atomic(struct task *) ring[DEQUE];
    uint64_t nodes, sum, stolen;
};

static struct deque deques[MOST_THREADS];
static long threads;
static atomic_long pending; /* tasks that are not finished */
static atomic_long idle;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;

static int push(struct deque *deque, struct task *task)
{
    long bottom = atomic_load_explicit(&deque->bottom, memory_order_relaxed);
    if (bottom - atomic_load_explicit(&deque->top, memory_order_acquire) >= DEQUE)
        return 0;
    atomic_store_explicit(&deque->ring[bottom % DEQUE], task, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&deque->bottom, bottom + 1, memory_order_relaxed);
    return 1;
}

static struct task *pop(struct deque *deque)
{
    long bottom = atomic_load_explicit(&deque->bottom, memory_order_relaxed) - 1;
    atomic_store_explicit(&deque->bottom, bottom, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    long top = atomic_load_explicit(&deque->top, memory_order_relaxed);
    struct task *task = NULL;
    if (top <= bottom) {
        task = atomic_load_explicit(&deque->ring[bottom % DEQUE], memory_order_relaxed);
        if (top < bottom)
            return task;
        /* The last one: thieves want it too. */
        if (!atomic_compare_exchange_strong(&deque->top, &top, top + 1))
            task = NULL;
    }
    atomic_store_explicit(&deque->bottom, bottom + 1, memory_order_relaxed);
    return task;
}

static struct task *steal(struct deque *deque)
{
    long top = atomic_load_explicit(&deque->top, memory_order_acquire);
    atomic_thread_fence(memory_order_seq_cst);
    long bottom = atomic_load_explicit(&deque->bottom, memory_order_acquire);
    if (top >= bottom)
        return NULL;
    struct task *task = atomic_load_explicit(&deque->ring[top % DEQUE], memory_order_relaxed);
    return atomic_compare_exchange_strong(&deque->top, &top, top + 1) ? task : NULL;
}

static void run(struct deque *own, struct task *task);

static void spawn(struct deque *own, uint64_t first, uint64_t count)
{
    struct task *task = malloc(sizeof *task);
    if (task == NULL)
        fail("worksteal: out of memory");
    *task = (struct task){ first, count };
    atomic_fetch_add(&pending, 1);
    if (!push(own, task)) {
        run(own, task);
        return;
    }
    if (atomic_load(&idle) > 0) {
        pthread_mutex_lock(&lock);
        pthread_cond_signal(&more);
        pthread_mutex_unlock(&lock);
    }
}

/* Leaves `first` to `first + count`: splits at a random place until few are left. */
static void run(struct deque *own, struct task *task)
{
    uint64_t first = task->first, count = task->count;
    free(task);
    struct random random = { first * 2 + 1 };
    while (count > GRAIN) {
        uint64_t left = 1 + random_below(&random, count - 1);
        spawn(own, first, left);
        first += left;
        count -= left;
        own->nodes++;
    }
    for (uint64_t leaf = first; leaf < first + count; leaf++) {
        struct random value = { leaf };
        own->sum += random_next(&value);
        own->nodes++;
    }
    if (atomic_fetch_sub(&pending, 1) == 1) {
        pthread_mutex_lock(&lock);
        pthread_cond_broadcast(&more);
        pthread_mutex_unlock(&lock);
    }
}

static struct task *find(long self)
{
    struct task *task = pop(&deques[self]);
    for (long i = 1; task == NULL && i < threads; i++) {
        task = steal(&deques[(self + i) % threads]);
        deques[self].stolen += task != NULL;
    }
    return task;
}

static int work_anywhere(void)
{
    for (long i = 0; i < threads; i++)
        if (atomic_load(&deques[i].top) < atomic_load(&deques[i].bottom))
            return 1;
    return 0;
}

static void *worker(void *argument)
{
    long self = (struct deque *)argument - deques;
    for (;;) {
        struct task *task = find(self);
        if (task != NULL) {
            run(&deques[self], task);
            continue;
        }
        pthread_mutex_lock(&lock);
        atomic_fetch_add(&idle, 1);
        while (atomic_load(&pending) > 0 && !work_anywhere())
            pthread_cond_wait(&more, &lock);
        atomic_fetch_sub(&idle, 1);
        pthread_mutex_unlock(&lock);
        if (atomic_load(&pending) == 0)
            return NULL;
    }
}

int main(int argc, char **argv)
{
    uint64_t leaves = size_argument(argc, argv, 1, 20000, 1);
    threads = (long)size_argument(argc, argv, 2, 4, 1);
    if (threads > MOST_THREADS)
        fail("worksteal: at most %d threads", MOST_THREADS);
    pthread_t ids[MOST_THREADS];
    spawn(&deques[0], 0, leaves);
    for (long i = 0; i < threads; i++)
        if (pthread_create(&ids[i], NULL, worker, &deques[i]) != 0)
            fail("worksteal: cannot create thread %ld", i);
    uint64_t sum = 0, expected = 0;
    for (long i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        sum += deques[i].sum;
    }
    for (uint64_t leaf = 0; leaf < leaves; leaf++) {
        struct random value = { leaf };
        expected += random_next(&value);
    }
    if (sum != expected)
        fail("worksteal: the leaves add up to %016" PRIx64 ", expected %016" PRIx64, sum, expected);
    return report("worksteal", leaves, sum);
}
