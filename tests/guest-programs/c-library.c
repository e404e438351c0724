/*
 * What a C library does with its kernel, one line each: memory, streams, threads, signals, processes, sockets, time. With the name of a shared
 * library as its argument the program also loads that. The output does not depend on the C library or on how it is linked.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <math.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <regex.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 4, ROUNDS = 2000 };

static __thread int own = 7;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_changed = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t shared_lock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static sem_t posted;
static long turn, sum, destroyed, made, reads;

__attribute__((constructor)) static void first(void) { printf("constructor, own %d\n", own); }
__attribute__((destructor)) static void last(void) { printf("destructor\n"); }
static void at_exit(void) { printf("atexit\n"); }

static void make_key(void) { made++; }
static void destroy(void *value) { __atomic_add_fetch(&destroyed, (long)value, __ATOMIC_SEQ_CST); }

static void *take_turns(void *argument)
{
    long id = (long)argument;
    own += (int)id;
    pthread_once(&once, make_key);
    pthread_setspecific(key, (void *)(id + 1));
    pthread_barrier_wait(&barrier);
    for (long round = 0; round < ROUNDS; round++) {
        pthread_mutex_lock(&lock);
        while (turn % THREADS != id)
            pthread_cond_wait(&turn_changed, &lock);
        sum += turn++ * (id + 1);
        pthread_cond_broadcast(&turn_changed);
        pthread_mutex_unlock(&lock);
        pthread_rwlock_rdlock(&shared_lock);
        __atomic_add_fetch(&reads, 1, __ATOMIC_RELAXED);
        pthread_rwlock_unlock(&shared_lock);
    }
    sem_post(&posted);
    return (void *)(long)own;
}

static void *wait_forever(void *argument)
{
    for (;;)
        pause();
    return argument;
}

static void threads(void)
{
    pthread_t thread[THREADS];
    void *result;
    long owns = 0;
    pthread_barrier_init(&barrier, NULL, THREADS);
    pthread_key_create(&key, destroy);
    sem_init(&posted, 0, 0);
    for (long id = 0; id < THREADS; id++)
        pthread_create(&thread[id], NULL, take_turns, (void *)id);
    for (int i = 0; i < THREADS; i++)
        sem_wait(&posted);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], &result);
        owns += (long)result;
    }
    printf("threads %ld %ld, once %ld, keys %ld, own %ld %d, reads %ld\n", turn, sum, made, destroyed, owns, own, reads);
    pthread_create(thread, NULL, wait_forever, NULL);
    pthread_cancel(thread[0]);
    pthread_join(thread[0], &result);
    printf("cancelled %d\n", result == PTHREAD_CANCELED);
}

static sigjmp_buf back;
static volatile sig_atomic_t ticks;
static char *faulted;

static void on_fault(int number, siginfo_t *info, void *context)
{
    stack_t stack;
    (void)context;
    faulted = info->si_addr;
    sigaltstack(NULL, &stack);
    siglongjmp(back, number == SIGSEGV && info->si_code == SEGV_ACCERR && stack.ss_flags == SS_ONSTACK ? 1 : 2);
}
static void on_tick(int number) { ticks += number == SIGALRM; }

static void signals(void)
{
    stack_t other = { .ss_sp = malloc(65536), .ss_size = 65536 };
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    struct itimerval timer = { { 0, 1000 }, { 0, 1000 } }, off = { { 0, 0 }, { 0, 0 } };
    sigset_t block, before;
    char *page = mmap(NULL, 65536, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sigaltstack(&other, NULL);
    sigaction(SIGSEGV, &action, NULL);
    int how = sigsetjmp(back, 1);
    if (how == 0)
        page[100] = 1;
    printf("fault %d at %td\n", how, faulted - page);
    signal(SIGALRM, on_tick);
    sigemptyset(&block);
    sigaddset(&block, SIGALRM);
    sigprocmask(SIG_BLOCK, &block, &before);
    setitimer(ITIMER_REAL, &timer, NULL);
    while (ticks < 3)
        sigsuspend(&before);
    setitimer(ITIMER_REAL, &off, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    printf("ticks %d\n", ticks >= 3);
}

static void streams(void)
{
    char *text = NULL, *line = NULL, word[32];
    size_t size = 0, room = 0;
    double number;
    int count, whole;
    FILE *file = open_memstream(&text, &size);
    fprintf(file, "%d %5.2f|%-8s|%08x|%.17g|%a|%+e|%g", -42, 3.14159, "left", 0xbeef, 0.1, 1.5, 12345.678, 1e100);
    fclose(file);
    printf("%zu %s\n", size, text);
    file = fopen("c-library.tmp", "w+");
    for (int i = 0; i < 5000; i++)
        fprintf(file, "line %d %.3f\n", i, i / 7.0);
    fseek(file, 0, SEEK_SET);
    long length = 0, lines = 0;
    while (getline(&line, &room, file) > 0)
        length += (long)strlen(line), lines++;
    printf("%ld lines, %ld bytes, at %ld, end %d\n", lines, length, ftell(file), feof(file) != 0);
    char *map = mmap(NULL, (size_t)length, PROT_READ, MAP_SHARED, fileno(file), 0);
    printf("mapped %.11s, removed %d\n", map, unlink("c-library.tmp"));
    fclose(file);
    count = sscanf("  17 2.5e3 word", "%d %lf %31s", &whole, &number, word);
    printf("scanned %d %d %g %s\n", count, whole, number, word);
    printf("%s %ld %.12g %.12g %.12g\n", strerror(ENOENT), strtol("-0x7f", NULL, 0), strtod("1e-310", NULL) * 1e300, sin(1e6), lgamma(0.3));
}

static int ascending(const void *a, const void *b) { return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b); }

static void memory(void)
{
    enum { COUNT = 20000 };
    int *numbers = calloc(COUNT, sizeof *numbers);
    uint64_t hash = 0;
    for (int i = 0; i < COUNT; i++)
        numbers[i] = (int)((i * 7919u) % 10007u);
    qsort(numbers, COUNT, sizeof *numbers, ascending);
    int wanted = 5000, *found = bsearch(&wanted, numbers, COUNT, sizeof *numbers, ascending);
    char *grown = NULL;
    for (size_t size = 1; size < 8000000; size = size * 3 + 1) {
        grown = realloc(grown, size);
        memset(grown + size / 2, (int)size, size - size / 2);
        for (size_t i = 0; i < size; i += 997)
            hash = hash * 31 + (size_t)(i >= size / 2 ? (unsigned char)grown[i] : 1);
    }
    void *aligned = aligned_alloc(4096, 16384);
    unsigned char *zeroed = calloc(300000, 1);
    int dirty = 0;
    for (int i = 0; i < 300000; i++)
        dirty |= zeroed[i];
    printf("sorted %d, grown %llx, aligned %d, zeroed %d\n", *found, (unsigned long long)hash, ((uintptr_t)aligned & 4095) == 0, dirty);
    free(numbers), free(grown), free(aligned), free(zeroed);
}

static void patterns(void)
{
    regex_t regex;
    regmatch_t match[3];
    glob_t names;
    regcomp(&regex, "([a-z]+)-([0-9]{2,})", REG_EXTENDED);
    int miss = regexec(&regex, "..abc-1234..", 3, match, 0);
    printf("regex %d %d %d %d\n", miss, (int)match[0].rm_so, (int)match[1].rm_eo, (int)match[2].rm_eo);
    regfree(&regex);
    int none = glob("/no/such/*", 0, NULL, &names);
    printf("glob %d %d\n", none == GLOB_NOMATCH, setenv("A", "b=c", 1) == 0 && strcmp(getenv("A"), "b=c") == 0);
}

static void processes(void)
{
    int ends[2], status = 0, pair[2];
    char word[32] = "";
    pipe(ends);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        own = 99;
        dprintf(ends[1], "from the child %d", own);
        _exit(5);
    }
    close(ends[1]);
    ssize_t got = read(ends[0], word, sizeof word - 1);
    waitpid(child, &status, 0);
    printf("child %zd %s, status %d, own %d\n", got, word, WEXITSTATUS(status), own);
    child = fork();
    if (child == 0)
        abort();
    waitpid(child, &status, 0);
    printf("aborted %d\n", WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    struct pollfd ready = { .fd = pair[1], .events = POLLIN };
    int idle = poll(&ready, 1, 0);
    write(pair[0], "x", 1);
    int busy = poll(&ready, 1, 1000);
    struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *found = NULL;
    int error = getaddrinfo("127.0.0.1", "80", &hints, &found);
    printf("poll %d %d, address %d %d\n", idle, busy, error, error == 0 ? ntohs(((struct sockaddr_in *)(void *)found->ai_addr)->sin_port) : 0);
}

static void times(void)
{
    time_t then = 1000000000;
    struct tm parts, *utc = gmtime_r(&then, &parts);
    char text[64];
    struct timespec before, after, nap = { 0, 2000000 };
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %j %a", utc);
    clock_gettime(CLOCK_MONOTONIC, &before);
    nanosleep(&nap, NULL);
    clock_gettime(CLOCK_MONOTONIC, &after);
    printf("%s %d %d\n", text, timegm(&parts) == then, (after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >= 2000000);
}

static void library(const char *name)
{
    void *handle = dlopen(name, RTLD_NOW);
    if (handle == NULL) {
        printf("dlopen failed\n");
        return;
    }
    int (*count)(int) = (int (*)(int))(uintptr_t)dlsym(handle, "count");
    int a = count(5), b = count(6);
    pid_t child = fork();
    if (child == 0)
        _exit(count(7));
    int status;
    waitpid(child, &status, 0);
    printf("library %d %d %d, unknown %d, closed %d\n", a, b, WEXITSTATUS(status), dlsym(handle, "no_such_name") == NULL, dlclose(handle));
}

int main(int argc, char **argv)
{
    atexit(at_exit);
    memory();
    streams();
    patterns();
    times();
    signals();
    threads();
    processes();
    if (argc > 1)
        library(argv[1]);
    return 3;
}
