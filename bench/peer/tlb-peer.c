/*
 * The peer that foliolab's speed is measured against: a data TLB as a TCG plugin of qemu-aarch64, which is what one would
 * write today to count TLB misses of a user program without an Arm machine. Neoverse N1's sizes, 4 KiB pages, true LRU:
 * 48 entries fully associative, then 1280 entries in 256 sets of 5 ways.
 *
 * The option order= says how the latest use is kept, and changes no count:
 *   stamps (unless asked otherwise): a time per entry, and a search for the least. What one writes first.
 *   sorted: each set in order of use, the latest first. What one writes when the first is too slow.
 *
 * It knows no page tables, no contiguous runs and no kernel. At exit it writes one line of JSON to stderr, or to the
 * file of the option out=FILE: some programs close stderr.
 *
 * Debian 12 ships QEMU 7.2 without qemu-plugin.h, so the part of plugin API version 1 that is used is declared here.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- QEMU plugin API, version 1 --- */

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info;

enum { LOADS_AND_STORES = 3 };
enum { CALLBACK_WITHOUT_REGISTERS = 0 };

typedef void (*translation_callback)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*memory_callback)(unsigned cpu, qemu_plugin_meminfo_t, uint64_t address, void *data);
typedef void (*exit_callback)(qemu_plugin_id_t, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, translation_callback);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *, memory_callback, int flags, int kinds, void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, exit_callback, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t index);

EXPORT int qemu_plugin_version = 1;

/* --- the TLB --- */

enum { PAGE_SHIFT = 12, L1_WAYS = 48, L2_WAYS = 5, L2_SETS = 256 };

/* Tags are page numbers plus one, so that 0 is an empty way. */
static uint64_t l1[L1_WAYS];
static uint64_t l2[L2_SETS][L2_WAYS];
/* With order=stamps: when a way was used last, 0 for an empty one. */
static uint64_t l1_used[L1_WAYS];
static uint64_t l2_used[L2_SETS][L2_WAYS];
static uint64_t now;
static uint64_t latest;
static uint64_t accesses, l1_misses, l2_misses;
/* Asked for with trace=FILE: a word per reference, page number * 4 + (1 if the L1 misses) + (2 if the L2 misses too). */
static FILE *trace;

/* Looks `tag` up and notes the time; the way with the least time goes if it was not there. */
static inline int stamp(uint64_t *set, uint64_t *used, int ways, uint64_t tag)
{
    int oldest = 0;
    for (int way = 0; way < ways; way++) {
        if (set[way] == tag) {
            used[way] = now;
            return 1;
        }
        if (used[way] < used[oldest])
            oldest = way;
    }
    set[oldest] = tag;
    used[oldest] = now;
    return 0;
}

/* Looks `tag` up and moves it to the front; the last of the set goes if it was not there. */
static inline int move_to_front(uint64_t *set, unsigned ways, uint64_t tag)
{
    unsigned way = 0;
    while (way < ways - 1 && set[way] != tag)
        way++;
    int hit = set[way] == tag;
    memmove(set + 1, set, way * sizeof *set);
    set[0] = tag;
    return hit;
}

/* Not in line, so that who traces nothing pays for a test only. */
static __attribute__((noinline)) void write_trace(uint64_t word)
{
    fwrite(&word, sizeof word, 1, trace);
}

/* Counts the access. Whether it refers to another page than the latest: all else hits and changes nothing. */
static inline int is_reference(uint64_t tag)
{
    accesses++;
    if (tag == latest)
        return 0;
    latest = tag;
    return 1;
}

static inline void count_reference(uint64_t tag, int l1_hit, int l2_hit)
{
    l1_misses += !l1_hit;
    l2_misses += !l2_hit;
    if (trace != NULL)
        write_trace((tag - 1) * 4 + !l1_hit + 2 * !l2_hit);
}

static void on_access_with_stamps(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
    (void)cpu, (void)info, (void)data;
    uint64_t tag = (address >> PAGE_SHIFT) + 1;
    if (!is_reference(tag))
        return;
    now++;
    unsigned set = (tag - 1) % L2_SETS;
    int l1_hit = stamp(l1, l1_used, L1_WAYS, tag);
    count_reference(tag, l1_hit, l1_hit || stamp(l2[set], l2_used[set], L2_WAYS, tag));
}

static void on_access_sorted(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
    (void)cpu, (void)info, (void)data;
    uint64_t tag = (address >> PAGE_SHIFT) + 1;
    if (!is_reference(tag))
        return;
    int l1_hit = move_to_front(l1, L1_WAYS, tag);
    count_reference(tag, l1_hit, l1_hit || move_to_front(l2[(tag - 1) % L2_SETS], L2_WAYS, tag));
}

static memory_callback on_access = on_access_with_stamps;

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    size_t count = qemu_plugin_tb_n_insns(block);
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
        qemu_plugin_register_vcpu_mem_cb(instruction, on_access, CALLBACK_WITHOUT_REGISTERS, LOADS_AND_STORES, NULL);
    }
}

static const char *out;

static void on_exit_of_guest(qemu_plugin_id_t id, void *data)
{
    (void)id, (void)data;
    if (trace != NULL)
        fclose(trace);
    FILE *file = out != NULL ? fopen(out, "w") : stderr;
    if (file == NULL)
        return;
    fprintf(file, "{\"accesses\":%" PRIu64 ",\"l1dMisses\":%" PRIu64 ",\"l2Misses\":%" PRIu64 "}\n", accesses, l1_misses, l2_misses);
    fflush(file);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "out=", 4) == 0)
            out = strdup(argv[i] + 4);
        else if (strncmp(argv[i], "trace=", 6) == 0 && (trace = fopen(argv[i] + 6, "w")) == NULL)
            return 1;
        else if (strcmp(argv[i], "order=sorted") == 0)
            on_access = on_access_sorted;
        else if (strncmp(argv[i], "order=", 6) == 0 && strcmp(argv[i], "order=stamps") != 0)
            return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_exit_of_guest, NULL);
    return 0;
}
