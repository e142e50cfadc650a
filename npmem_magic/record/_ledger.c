/* _ledger: counts every buffer that NumPy asks its data allocator for, to the byte, and says which line asked.
 *
 * How it sees the buffers.  NumPy hands all array data out through a PyDataMem_Handler (NEP 49), a struct of four
 * function pointers.  Setting another handler is context-local, so threads started by the cell would go unseen.
 * While a trace runs we therefore swap the four pointers inside the *default* handler's struct, which every thread
 * uses, and call the originals.  No array ever depends on us: a buffer born under the trace is freed by the original
 * `free` when the trace is over, after the extension is unloaded, or at interpreter shutdown.
 *
 * What is kept.
 *   Block   one live buffer: address, size, birth time, thread, site.        (hash table on the address)
 *   packed  one live buffer beyond 60,000: address, size, site.              (hash table on the address)
 *   Site    one expression: code object and place in the source; its totals. (hash table on code and offset)
 *   Line    one line of a followed file; costs of what it calls included.    (array per file)
 *   Curve   the steps of the allocated total; when it is full, neighbours are merged into their extremes.
 *   Ghost   a buffer that was alive at the peak and died later.
 * The set "alive at the peak" needs no snapshot: it is the live blocks born before the peak plus the ghosts, and
 * every new peak empties the list of ghosts; plus what each site held in packed buffers.
 *
 * What bounds it, and why the peak and what was alive at it stay exact.  Everything together stays below 64 MiB however
 * many buffers and lines a run has: about 7 MiB in an ordinary run, 36 with a million buffers alive at one time.
 *   - The totals need the size of a buffer that dies, so every living buffer is noted.  The first 60,000 alive at one
 *     time are Blocks.  Those beyond (below 1 MiB each; larger ones are always Blocks) are packed: address, size and
 *     site in 12 bytes, up to 1.5 million of them (24 MiB).  So bytes, lines and the costs of sites stay exact.
 *   - What was alive at the peak is then told by site for the packed ones.  A site keeps the sum and the number of its
 *     packed buffers, and what they were at the peak: copied when they change for the first time since the newest peak.
 *     A new peak therefore costs nothing, and a site that has not changed since needs no copy.
 *   - Ghosts were all alive at one time, so there are no more of them than there were Blocks.
 *   - Beyond the packed ones only a sum is kept (`loose`): NumPy tells the size with every death.  The totals stay exact,
 *     unless one of these is resized, which the trace then says; and a buffer from before the trace that dies meanwhile
 *     is taken for one of these, which moves bytes between "alive at the peak" and "from before".
 *   - The curve is merged pairwise into lowest and highest, and the highest of two highest is the highest of both: its
 *     top stays the peak (but for what small buffers add between two steps, which the fold puts in).
 *   - Line events that are too many lose their shortest runs, never those around the peak (`events_thin`).
 *   - Sites, lines and threads have limits that no notebook meets; beyond them the totals go on, without a place.
 *   - The queue of threads without the GIL holds 262,144 events between two of threads with it.  Beyond, their sum and
 *     the highest it was go on, and the trace says that it estimates: a death may be that of a Block, which then stays.
 *
 * The innermost followed frame gives the site, and every followed line outside of it is charged, too.  Asking Python
 * for a frame object makes one, which costs more than a small array; the interpreter's own frames are therefore read
 * where they stand.  Where in them caller and code are noted (on 3.11 also the instruction) is learnt before the first
 * trace from frames of which all that is known; unless it holds for every one of them, frame objects are made.
 *
 * Locking.  All state is guarded by the GIL.  A hook called without the GIL touches no Python object: it puts its
 * event into a queue under a lock, and the next event that has the GIL takes it over, with "another thread" as its
 * site.  Free-threaded builds are declined at import.
 *
 * Times are nanoseconds of the monotonic clock; sizes are bytes.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <frameobject.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <windows.h>
#else
#include <pthread.h>
#include <time.h>
#endif

#define NPY_NO_DEPRECATED_API NPY_1_22_API_VERSION
#define NPY_TARGET_VERSION NPY_1_22_API_VERSION
#include <numpy/arrayobject.h>

/* The innermost frame that runs, from the public struct of the thread state. */
#if PY_VERSION_HEX >= 0x030F0000
#define RUNNING_FRAME(ts) NULL   /* not known yet: frame objects are used */
#elif PY_VERSION_HEX >= 0x030D0000
#define RUNNING_FRAME(ts) ((const void *)(ts)->current_frame)
#else
#define RUNNING_FRAME(ts) ((const void *)(ts)->cframe->current_frame)
#endif

#define BIG 4096                 /* bytes from which on a buffer gets a time and a step of the curve */
#define HOT 1000                 /* runs of a line after which its events are switched off */
#define DEEP 256                 /* open followed frames noted per thread; deeper ones share the last */
#define LAST_LINE (1 << 20)      /* lines beyond have a number that somebody made up */
#ifndef NPMEM_SMALL_LIMITS
#define BLOCKS 60000             /* buffers alive at one time of which everything is noted ... */
#define SMALL_BLOCKS 30000       /* ... of these, smaller than BIG */
#define HUGE_SIZE (1 << 20)      /* bytes from which on everything is noted in any case: nobody has many of these */
#define PACKED (1 << 21)         /* slots for the buffers beyond, of which only size and site are noted */
#define POINTS (1 << 16)         /* steps of the curve before neighbours are merged */
#define EVENTS (1 << 18)         /* line events kept for the lane of lines */
#define MOST_SITES (1 << 14)     /* what lies beyond is told as "no followed line" */
#define MOST_LINES (1 << 15)
#define MOST_KEYS (1 << 18)
#define MOST_THREADS 1024        /* with lines open at one time; further ones have no line events */
#define MOST_FOREIGN (1 << 18)
#else                            /* for the tests: every limit is met by a short program */
#define BLOCKS 40
#define SMALL_BLOCKS 15
#define HUGE_SIZE (1 << 18)
#define PACKED (1 << NPMEM_SMALL_LIMITS)
#define POINTS (1 << 6)
#define EVENTS (1 << 8)
#define MOST_SITES 50
#define MOST_LINES 60
#define MOST_KEYS (1 << 10)
#define MOST_THREADS 2
#define MOST_FOREIGN (1 << 6)
#endif
#define FILE_CACHE 256
#define RECENT 256

/* What seldom happens stands apart, so that the paths taken for every small array stay short. */
#if defined(__GNUC__)
#define SELDOM __attribute__((noinline, cold))
#define RARE(test) __builtin_expect(!!(test), 0)
#else
#define SELDOM
#define RARE(test) (test)
#endif

/* The two words that threads without the GIL read before they take the lock: a hint, looked at again under it. */
#if defined(__GNUC__)
#define PEEK(word) __atomic_load_n(&(word), __ATOMIC_RELAXED)
#define POKE(word, value) __atomic_store_n(&(word), (value), __ATOMIC_RELAXED)
#else
#define PEEK(word) (word)
#define POKE(word, value) ((word) = (value))
#endif

#define BEFORE (-1)   /* site of a buffer born before the trace whose size is known */
#define OUTSIDE (-2)  /* a frame of the runner: no followed frame lies further out */
#define NOWHERE 0     /* site and line 0: no followed line asked for it */
#define PACKED_BITS 15
#define PACKED_BEFORE ((1 << PACKED_BITS) - 1)   /* the site BEFORE in a packed entry */

typedef struct { uintptr_t address; int64_t size, born; uint64_t serial; unsigned long thread; int site; } Block;
typedef struct {
    PyCodeObject *code;
    int offset, line, is_root, place[4], next;      /* next: of the same hash */
    int64_t hits, gross, live, peak;
    int64_t packed, packed_before; int packed_count, packed_count_before; uint64_t packed_peak;
} Site;
typedef struct { PyCodeObject *code; int offset, site; } Key;   /* several instructions may share one expression */
typedef struct {
    PyCodeObject *code;         /* the first code seen on this line; NULL for line 0 */
    int file, line, hot, active;
    int64_t hits, events, returns, gross, net, peak, base;  /* base: net when the line was begun */
    int64_t opened, nanoseconds, gap;                      /* gap: time after the clock was switched off */
    int64_t objects_net, objects_peak, objects_base;       /* the same of Python's own bytes, see _objects.h */
    uint64_t mark, execution;
    int first_offset, last_offset;
} Line;
typedef struct { PyObject *name; int *lines; int size, whole; int *statements; int statement_count; } File;
typedef struct { int64_t time, low, high, last; int64_t low_time, high_time, last_time; int count; } Bucket;
typedef struct { int64_t time, value; } Point;
typedef struct { Point *points; size_t count; int64_t stride, last; Bucket bucket; } Curve;   /* last: its last value */
typedef struct { int64_t time; int line; short thread, depth; } Event;   /* thread 0 is the cell's */
typedef struct { uintptr_t address; int64_t size, time; unsigned long thread; int is_birth; } Foreign;
typedef struct { const void *frame; PyCodeObject *code; int line, statement, entry; uint64_t execution; } Open;
typedef struct { unsigned long id; int number, depth; Open open[DEEP]; } Thread;
typedef struct {
    PyObject *read, *reset;     /* tracemalloc's get_traced_memory and reset_peak; NULL when nobody asked for it */
    unsigned domain;            /* NumPy's in tracemalloc */
    int sees_older;             /* tracemalloc ran before the trace, and knows of NumPy's older buffers */
    int is_waiting;             /* no statement runs: what is taken is not the cell's */
    int is_lost, doubts;        /* the cell stopped tracemalloc; readings in a row that say so */
    int failed;                 /* a request of NumPy's failed since the last reading */
    int missed;                 /* readings that failed */
    int64_t total, numpy, base; /* traced at the last reading; NumPy's part of it; what lay there before */
    int64_t level, peak, peak_time, readings, nanoseconds;
    int64_t number;             /* what an int takes that is too large to be there already */
    Thread *running;            /* whose lines have run since the last reading */
    Curve curve;
} Objects;

static struct {
    volatile int on, abandoned;
    int64_t current, peak, peak_time, loose, loose_at_peak;
    uint64_t serial, peak_serial, peaks, walk, execution;
    int peak_site, small_tracked, lost, crowded, resized_unknown, unmatched, overrun;
    int64_t site_value, valley;                        /* bytes when peak_site was set; the least since */
    int64_t now;                                       /* the last time read */
    Block *blocks; size_t block_cap, block_count;
    Block *ghosts; size_t ghost_cap, ghost_count;
    uint64_t *packed; uint32_t *packed_size; size_t packed_cap, packed_count;
    Site *sites; int site_cap, site_count, site_heads[4096]; Key *keys; size_t key_cap, key_count;
    Line *lines; int line_cap, line_count;
    File *files; int file_count;
    Curve curve;
    Objects objects;
    Event *events; size_t event_count;
    Thread **threads; int thread_count; Thread *last_thread;
    PyObject *stop_file;                               /* co_filename of the runner */
    PyObject *codes;                                   /* tuple: single code objects followed */
    PyObject *follow, *quiet, *describe, *disable;
    PyThreadState *main; unsigned long main_id;
    const void *root_frame; PyCodeObject *root_code;   /* the running top-level statement, while its frame lives */
    struct { int offset, site; } root_sites[RECENT];
    struct { PyCodeObject *code; int offset, site; } recent[RECENT];   /* sites hold their code, so keys stay unique */
    PyCodeObject *others[RECENT];                      /* some code that is not followed; held, so that it stays so */
    Foreign *foreign; size_t foreign_cap; volatile size_t foreign_count; int64_t foreign_rest, foreign_top;
} L;

static unsigned run;                                       /* goes up when a trace is forgotten */
static int is_handing;                                     /* `stop` reads the tables */
static PyThread_type_lock foreign_lock, spare_lock;        /* spare: for a forked child */

static struct { PyObject *name; int file; } file_cache[FILE_CACHE];   /* names are held, so pointers stay unique */

static PyDataMem_Handler *handler;      /* NumPy's default one */
static PyDataMemAllocator original;     /* its four functions as found */

static int64_t now_ns(void)
{
#ifdef _WIN32
    static LARGE_INTEGER frequency;
    LARGE_INTEGER count;
    if (!frequency.QuadPart) QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&count);
    return (int64_t)((count.QuadPart / frequency.QuadPart) * 1000000000LL
                     + (count.QuadPart % frequency.QuadPart) * 1000000000LL / frequency.QuadPart);
#else
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000LL + t.tv_nsec;
#endif
}

/* The thread state if this thread holds the GIL, else NULL. */
static inline PyThreadState *holding_gil(void)
{
#if PY_VERSION_HEX >= 0x030D0000
    return PyThreadState_GetUnchecked();
#elif PY_VERSION_HEX >= 0x030C0000
    return _PyThreadState_UncheckedGet();
#else
    /* Before 3.12 the unchecked call answers for whichever thread holds the GIL.  Asking for this one costs more, so
     * the thread of the cell is known by its number. */
    PyThreadState *ts = _PyThreadState_UncheckedGet();
    if (ts && ts == L.main && PyThread_get_thread_ident() == L.main_id) return ts;
    return PyGILState_Check() ? _PyThreadState_UncheckedGet() : NULL;
#endif
}

/* ---- blocks: open addressing with linear probing and backward-shift deletion -------------------------------- */

static inline size_t hash_address(uintptr_t address, size_t cap)
{
    return (size_t)(((uint64_t)address >> 4) * 0x9E3779B97F4A7C15ULL >> 20) & (cap - 1);
}

/* The slot that holds `address`, or the free one where it belongs. */
static inline Block *block_slot(uintptr_t address)
{
    size_t at = hash_address(address, L.block_cap);
    while (L.blocks[at].address && L.blocks[at].address != address) at = (at + 1) & (L.block_cap - 1);
    return &L.blocks[at];
}

static inline Block *block_find(uintptr_t address)
{
    Block *slot = block_slot(address);
    return slot->address ? slot : NULL;
}

static SELDOM int blocks_grow(void)
{
    size_t cap = L.block_cap * 2;
    Block *grown = calloc(cap, sizeof(Block));
    if (!grown) return 0;
    for (size_t i = 0; i < L.block_cap; i++) {
        if (!L.blocks[i].address) continue;
        size_t at = hash_address(L.blocks[i].address, cap);
        while (grown[at].address) at = (at + 1) & (cap - 1);
        grown[at] = L.blocks[i];
    }
    free(L.blocks);
    L.blocks = grown;
    L.block_cap = cap;
    return 1;
}

/* Room for one more; the table stays at most half full. */
static inline int block_room(void)
{
    if (L.block_count * 2 < L.block_cap || blocks_grow()) return 1;
    L.lost = 1;
    return 0;
}

static void block_put(const Block *block)
{
    if (!block_room()) return;
    Block *slot = block_slot(block->address);
    if (!slot->address) L.block_count++;
    *slot = *block;
}

static void block_remove(Block *block)
{
    size_t mask = L.block_cap - 1, hole = (size_t)(block - L.blocks), at = hole;
    for (;;) {
        at = (at + 1) & mask;
        if (!L.blocks[at].address) break;
        size_t home = hash_address(L.blocks[at].address, L.block_cap);
        if (((at - home) & mask) >= ((at - hole) & mask)) { L.blocks[hole] = L.blocks[at]; hole = at; }
    }
    L.blocks[hole].address = 0;
    L.block_count--;
}

/* ---- packed blocks: 12 bytes each, the address (49 bits, in units of 8 bytes) and the site in one word -------- */

static inline size_t packed_slot(uintptr_t address)
{
    size_t at = hash_address(address << 1, L.packed_cap);
    while (L.packed[at] && L.packed[at] >> PACKED_BITS != (uint64_t)address >> 3) at = (at + 1) & (L.packed_cap - 1);
    return at;
}

/* The slot that holds `address`, or -1. */
static inline ptrdiff_t packed_find(uintptr_t address)
{
    if (!L.packed_count) return -1;
    size_t at = packed_slot(address);
    return L.packed[at] ? (ptrdiff_t)at : -1;
}

static int packed_grow(void)
{
    uint64_t *old = L.packed;
    uint32_t *old_size = L.packed_size;
    size_t old_cap = L.packed_cap, cap = old_cap ? old_cap * 2 : PACKED < 4096 ? PACKED : 4096;
    if (cap > PACKED) return 0;
    uint64_t *grown = calloc(cap, sizeof(uint64_t) + sizeof(uint32_t));
    if (!grown) { L.lost = 1; return 0; }
    L.packed = grown;
    L.packed_size = (uint32_t *)(grown + cap);
    L.packed_cap = cap;
    for (size_t i = 0; i < old_cap; i++) {
        if (!old[i]) continue;
        size_t at = packed_slot((uintptr_t)(old[i] >> PACKED_BITS << 3));
        L.packed[at] = old[i];
        L.packed_size[at] = old_size[i];
    }
    free(old);
    return 1;
}

/* Note a buffer that is in no table yet; 0 when there is no room for it. */
static int packed_put(uintptr_t address, int64_t size, int site)
{
    if ((address & 7) || (uint64_t)address >> 52 || size >= HUGE_SIZE) return 0;
    if (L.packed_count * 4 >= L.packed_cap * 3 && !packed_grow()) return 0;
    size_t at = packed_slot(address);
    L.packed[at] = (uint64_t)address >> 3 << PACKED_BITS | (uint64_t)site;
    L.packed_size[at] = (uint32_t)size;
    L.packed_count++;
    return 1;
}

static void packed_remove(size_t hole)
{
    size_t mask = L.packed_cap - 1, at = hole;
    for (;;) {
        at = (at + 1) & mask;
        if (!L.packed[at]) break;
        size_t home = hash_address((uintptr_t)(L.packed[at] >> PACKED_BITS << 4), L.packed_cap);
        if (((at - home) & mask) < ((at - hole) & mask)) continue;
        L.packed[hole] = L.packed[at];
        L.packed_size[hole] = L.packed_size[at];
        hole = at;
    }
    L.packed[hole] = 0;
    L.packed_count--;
}

/* Add to a site's packed bytes, and remember what they were at the peak when this is the first change since. */
static void packed_add(Site *site, int64_t size, int count)
{
    if (site->packed_peak != L.peaks) {
        site->packed_before = site->packed;
        site->packed_count_before = site->packed_count;
        site->packed_peak = L.peaks;
    }
    site->packed += size;
    site->packed_count += count;
}

/* ---- the curve: exact steps until POINTS of them, then buckets that keep their extremes --------------------- */

static int curve_make(Curve *c)
{
    c->points = malloc((2 * POINTS + 2) * sizeof(Point));   /* pages that are never written cost nothing */
    c->stride = 1;
    return c->points != NULL;
}

static void point_put(Curve *c, int64_t time, int64_t value)
{
    if (c->count == 2 * POINTS) {
        /* Pairs of neighbours become their lowest and highest value, in the order they came: 4 points -> 2. */
        size_t kept = 0;
        for (size_t i = 0; i + 4 <= c->count; i += 4) {
            Point *p = &c->points[i], *low = p, *high = p;
            for (int k = 1; k < 4; k++) {
                if (p[k].value < low->value) low = &p[k];
                if (p[k].value > high->value) high = &p[k];
            }
            Point first = low < high ? *low : *high, second = low < high ? *high : *low;
            c->points[kept++] = first;
            c->points[kept++] = second;
        }
        c->count = kept;
        c->stride *= 2;
    }
    c->points[c->count].time = time;
    c->points[c->count++].value = value;
}

static void bucket_flush(Curve *c)
{
    Bucket *b = &c->bucket;
    if (!b->count) return;
    if (b->low_time < b->high_time) { point_put(c, b->low_time, b->low); point_put(c, b->high_time, b->high); }
    else if (b->high_time < b->low_time) { point_put(c, b->high_time, b->high); point_put(c, b->low_time, b->low); }
    else if (b->low == b->high) point_put(c, b->last_time, b->last);
    else { point_put(c, b->low_time, b->low); point_put(c, b->high_time, b->high); }   /* within one tick of the clock */
    b->count = 0;
}

static SELDOM void curve_step(Curve *c, int64_t time, int64_t value)
{
    c->last = value;
    if (c->stride == 1) { point_put(c, time, value); return; }
    Bucket *b = &c->bucket;
    if (!b->count) { b->low = b->high = value; b->low_time = b->high_time = time; }
    if (value < b->low) { b->low = value; b->low_time = time; }
    if (value > b->high) { b->high = value; b->high_time = time; }
    b->last = value;
    b->last_time = time;
    if (++b->count >= 2 * c->stride) bucket_flush(c);
}

/* ---- which code is followed ---------------------------------------------------------------------------------- */

static int file_lookup(PyObject *name)
{
    if (L.stop_file && PyUnicode_Compare(L.stop_file, name) == 0) return OUTSIDE;
    for (int i = 0; i < L.file_count; i++) {
        if (L.files[i].name == name || PyUnicode_Compare(L.files[i].name, name) == 0) return i;
    }
    return -1;
}

static inline int file_of(PyObject *name)
{
    size_t at = ((uintptr_t)name >> 4) % FILE_CACHE;
    if (file_cache[at].name == name) return file_cache[at].file;
    int file = file_lookup(name);
    if (!PyUnicode_CheckExact(name)) return file;
    Py_XDECREF(file_cache[at].name);   /* a str: its deallocation runs no code */
    file_cache[at].name = Py_NewRef(name);
    file_cache[at].file = file;
    return file;
}

/* The index of the followed file this code belongs to; -1 when it is not followed, OUTSIDE for the runner. */
static inline int followed(PyCodeObject *code)
{
    int file = file_of(code->co_filename);
    if (file < 0 || L.files[file].whole) return file;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(L.codes); i++) {
        if (PyTuple_GET_ITEM(L.codes, i) == (PyObject *)code) return file;
    }
    return -1;
}

/* ---- lines and sites ------------------------------------------------------------------------------------------ */

static int line_index(int file, int line, PyCodeObject *code)
{
    File *f = &L.files[file];
    if (line < 0 || line >= LAST_LINE) return NOWHERE;
    if (line >= f->size) {
        int size = line + 64;
        int *grown = realloc(f->lines, (size_t)size * sizeof(int));
        if (!grown) { L.lost = 1; return NOWHERE; }
        memset(grown + f->size, 0, (size_t)(size - f->size) * sizeof(int));
        f->lines = grown;
        f->size = size;
    }
    if (f->lines[line]) return f->lines[line];
    if (L.line_count == MOST_LINES) { L.crowded = 1; return NOWHERE; }
    if (L.line_count == L.line_cap) {
        Line *grown = realloc(L.lines, (size_t)L.line_cap * 2 * sizeof(Line));
        if (!grown) { L.lost = 1; return NOWHERE; }
        L.lines = grown;
        L.line_cap *= 2;
    }
    Line *made = &L.lines[L.line_count];
    memset(made, 0, sizeof(Line));
    made->file = file;
    made->line = line;
    made->first_offset = -1;
    made->code = (PyCodeObject *)Py_NewRef((PyObject *)code);
    return f->lines[line] = L.line_count++;
}

static inline size_t hash_site(PyCodeObject *code, int offset)
{
    uint64_t key = ((uint64_t)(uintptr_t)code >> 4) * 0x9E3779B97F4A7C15ULL + (uint64_t)offset * 0xC2B2AE3D27D4EB4FULL;
    return (size_t)(key >> 24) & (L.key_cap - 1);
}

static void key_put(Key *keys, Key key)
{
    size_t at = hash_site(key.code, key.offset);
    while (keys[at].site) at = (at + 1) & (L.key_cap - 1);
    keys[at] = key;
}

static int keys_grow(void)
{
    Key *old = L.keys, *grown = calloc(L.key_cap * 2, sizeof(Key));
    size_t cap = L.key_cap;
    if (!grown) return 0;
    L.keys = grown;
    L.key_cap *= 2;
    for (size_t i = 0; i < cap; i++) if (old[i].site) key_put(grown, old[i]);
    free(old);
    return 1;
}

/* The site of the expression at this place in the code, made when it is new. */
static int site_at(PyCodeObject *code, int offset, int file)
{
    int place[4] = {0, 0, 0, 0};   /* line, column, end line, end column */
    if (!PyCode_Addr2Location(code, offset, &place[0], &place[1], &place[2], &place[3]) || place[0] < 0)
        place[0] = PyCode_Addr2Line(code, offset);
    int *head = &L.site_heads[(((uintptr_t)code >> 4) * 31 + (unsigned)place[0] * 7 + (unsigned)place[1]) % 4096];
    for (int i = *head; i; i = L.sites[i].next) {
        if (L.sites[i].code == code && memcmp(L.sites[i].place, place, sizeof place) == 0) return i;
    }
    if (L.site_count == MOST_SITES) { L.crowded = 1; return NOWHERE; }
    if (L.site_count == L.site_cap) {
        Site *grown = realloc(L.sites, (size_t)L.site_cap * 2 * sizeof(Site));
        if (!grown) { L.lost = 1; return NOWHERE; }
        L.sites = grown;
        L.site_cap *= 2;
    }
    int line = line_index(file, PyCode_Addr2Line(code, offset), code);
    Site *made = &L.sites[L.site_count];
    memset(made, 0, sizeof(Site));
    made->code = (PyCodeObject *)Py_NewRef((PyObject *)code);
    made->offset = offset;
    made->line = line;
    made->is_root = PyUnicode_CompareWithASCIIString(code->co_name, "<module>") == 0;
    memcpy(made->place, place, sizeof place);
    made->next = *head;
    return *head = L.site_count++;
}

static int site_search(PyCodeObject *code, int offset)
{
    int file = followed(code);
    if (file < 0) return file;
    size_t at = hash_site(code, offset);
    for (; L.keys[at].site; at = (at + 1) & (L.key_cap - 1)) {
        if (L.keys[at].code == code && L.keys[at].offset == offset) return L.keys[at].site;
    }
    Key key = {code, offset, site_at(code, offset, file)};
    int has_room = L.key_count * 2 < L.key_cap || (L.key_cap < MOST_KEYS && keys_grow());
    if (key.site != NOWHERE && has_room) {
        key_put(L.keys, key);
        L.key_count++;
    }
    return key.site;
}

/* The site of this instruction, or what `followed` says when it has none. */
static inline int site_of(PyCodeObject *code, int offset)
{
    size_t at = (((uintptr_t)code >> 4) + (unsigned)offset) % RECENT;
    if (L.recent[at].code == code && L.recent[at].offset == offset) return L.recent[at].site;
    int site = site_search(code, offset);
    if (site > 0) {
        L.recent[at].code = code;
        L.recent[at].offset = offset;
        L.recent[at].site = site;
    }
    return site;
}

/* Add a birth (delta > 0) or a death to a line.  A hot line tells no more when a run of it begins: there, an
 * instruction that comes again (or one before it) begins one.  That can only make later peaks too low, never too high. */
static inline void line_add(Line *line, int64_t delta, int offset)
{
    line->net += delta;
    if (line->hot && delta > 0) {
        if (offset <= line->last_offset) line->base = line->net - delta;
        line->last_offset = offset;
    }
    if (delta > 0) {
        line->gross += delta;
        if (line->net - line->base > line->peak) line->peak = line->net - line->base;
    }
}

/* The same, once per walk however often recursion meets the line. */
static inline void line_charge(int index, int64_t delta, int offset, uint64_t walk)
{
    Line *line = &L.lines[index];
    if (line->mark == walk) return;
    line->mark = walk;
    line_add(line, delta, offset);
}

/* ---- frames ----------------------------------------------------------------------------------------------------- */

/* Where the interpreter's frame has what we read, in words; learnt by `frames_learn`, -1 while unknown. */
static struct { int previous, code, instruction; } layout = {-1, -1, -1};

static inline const void *frame_word(const void *frame, int word) { return ((const void *const *)frame)[word]; }

/* The code a frame runs (borrowed: the frame holds it), NULL for a frame that is no function's. */
static inline PyCodeObject *frame_code(const void *frame)
{
    PyObject *code = (PyObject *)frame_word(frame, layout.code);
    return code && PyCode_Check(code) ? (PyCodeObject *)code : NULL;
}

/* The offset of its instruction, -1 while it has not begun: the caller still puts the arguments in place. */
static inline int frame_offset(const void *frame, PyCodeObject *code)
{
#if PY_VERSION_HEX >= 0x030C0000
    int offset = PyUnstable_InterpreterFrame_GetLasti((struct _PyInterpreterFrame *)frame);
#else
    int offset = (int)((const char *)frame_word(frame, layout.instruction) - code->co_code_adaptive);
#endif
    return offset < code->_co_firsttraceable * 2 ? -1 : offset;
}

#define PROBES 5
static struct { const void *frame; PyCodeObject *code; int offset; } probes[PROBES];
static int probe_count;

/* Called from ever deeper Python functions while the layout is learnt. */
static PyObject *frames_probe(PyObject *self, PyObject *ignored)
{
    (void)self;
    (void)ignored;
    if (probe_count < PROBES) probes[probe_count++].frame = RUNNING_FRAME(PyThreadState_Get());
    Py_RETURN_NONE;
}

/* What Python itself says about the probed functions, which all still run: code and instruction. */
static int probes_describe(void)
{
    PyFrameObject *frame = PyThreadState_GetFrame(PyThreadState_Get());
    int complete = probe_count == PROBES;
    for (int i = PROBES - 1; i >= 0 && frame && complete; i--) {
        complete = probes[i].frame != NULL;
        probes[i].code = PyFrame_GetCode(frame);
        Py_DECREF(probes[i].code);
        probes[i].offset = PyFrame_GetLasti(frame);
        PyFrameObject *back = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = back;
    }
    Py_XDECREF(frame);
    probe_count = complete ? PROBES : 0;
    return complete;
}

/* The one word of every probed frame of which `holds` is true, or -1 when there is none or more than one. */
static int word_where(int (*holds)(int probe, const void *word))
{
    int found = -1;
    for (int word = 0; word < 8; word++) {
        int hits = 0;
        for (int i = 1; i < probe_count; i++) hits += holds(i, frame_word(probes[i].frame, word));
        if (hits != PROBES - 1) continue;
        if (found >= 0) return -1;
        found = word;
    }
    return found;
}

static int is_caller(int i, const void *word) { return word == probes[i - 1].frame; }
static int is_code(int i, const void *word) { return word == (const void *)probes[i].code; }
#if PY_VERSION_HEX < 0x030C0000
static int is_instruction(int i, const void *word) { return word == probes[i].code->co_code_adaptive + probes[i].offset; }
#endif

static PyObject *frames_learn(PyObject *self, PyObject *ignored)
{
    (void)self;
    (void)ignored;
    layout.previous = layout.code = layout.instruction = -1;
    if (probes_describe()) {
        layout.previous = word_where(is_caller);
        layout.code = word_where(is_code);
#if PY_VERSION_HEX < 0x030C0000
        layout.instruction = word_where(is_instruction);
        if (layout.instruction < 0) layout.previous = -1;
#endif
        if (layout.code < 0) layout.previous = -1;
    }
    probe_count = 0;
    return PyBool_FromLong(layout.previous >= 0);
}

static PyObject *frames_forget(PyObject *self, PyObject *ignored)
{
    (void)self;
    (void)ignored;
    layout.previous = -1;
    Py_RETURN_NONE;
}

static inline PyCodeObject **other_slot(PyCodeObject *code) { return &L.others[((uintptr_t)code >> 5) % RECENT]; }

/* Charge one frame's line.  Returns 1 when no followed frame lies further out. */
static inline int walk_one(PyCodeObject *code, int offset, int64_t delta, uint64_t walk, int *innermost)
{
    int site = site_of(code, offset);
    if (site == OUTSIDE) return 1;
    if (site < 0) {
        PyCodeObject **slot = other_slot(code);
        if (!*slot) *slot = (PyCodeObject *)Py_NewRef((PyObject *)code);
        return 0;
    }
    if (*innermost < 0) *innermost = site;
    line_charge(L.sites[site].line, delta, offset, walk);
    return L.sites[site].is_root;
}

static int walk_objects(PyThreadState *ts, int64_t delta, uint64_t walk)
{
    int innermost = -1, is_over = 0;
#if PY_VERSION_HEX < 0x030C0000
    /* Before 3.12 creating a frame object may start a collection, and with it anybody's code. */
    int collecting = PyGC_Disable();
#endif
    PyFrameObject *frame = PyThreadState_GetFrame(ts);
    while (frame && !is_over) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        is_over = walk_one(code, PyFrame_GetLasti(frame), delta, walk, &innermost);
        Py_DECREF(code);
        PyFrameObject *back = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = back;
    }
    Py_XDECREF(frame);
#if PY_VERSION_HEX < 0x030C0000
    if (collecting) PyGC_Enable();
#endif
    return innermost;
}

/* Walk a thread's frames outwards, charge every followed line, return the innermost site (or -1).  A thread other than
 * the running one stands still, since it does not hold the GIL. */
static int walk_frames(PyThreadState *ts, int64_t delta, uint64_t walk)
{
    int innermost = -1;
    if (layout.previous < 0) return walk_objects(ts, delta, walk);
    for (const void *frame = RUNNING_FRAME(ts); frame; frame = frame_word(frame, layout.previous)) {
        PyCodeObject *code = frame_code(frame);
        if (!code || *other_slot(code) == code) continue;
        int offset = frame_offset(frame, code);
        if (offset >= 0 && walk_one(code, offset, delta, walk, &innermost)) break;
    }
    return innermost;
}

/* Charge the lines that are running and return the site of the innermost followed frame, or NOWHERE. */
static int charge_any(PyThreadState *ts, int64_t delta)
{
    uint64_t walk = ++L.walk;
    int site = walk_frames(ts, delta, walk);
    if (ts != L.main && L.main) {
        /* A worker: the line that waits for it, in the thread of the cell, is charged too. */
        int waiting = walk_frames(L.main, delta, walk);
        if (site < 0) site = waiting;
    }
    if (site < 0) { line_charge(NOWHERE, delta, 0, walk); site = NOWHERE; }
    return site;
}

/* The instruction offset in the frame of the cell's running statement, or -1 when another frame is running. */
static inline int root_offset(PyThreadState *ts)
{
    if (ts != L.main || !L.root_frame || RUNNING_FRAME(ts) != L.root_frame) return -1;
#if PY_VERSION_HEX >= 0x030C0000
    return PyUnstable_InterpreterFrame_GetLasti((struct _PyInterpreterFrame *)L.root_frame);
#else
    /* A statement may end without telling, so whether the frame is still its own is asked of the frame. */
    if (layout.previous < 0 || frame_code(L.root_frame) != L.root_code) return -1;
    return frame_offset(L.root_frame, L.root_code);
#endif
}

/* Charge the line that is running and return its site, when it is one of the cell's own; else -1.
 *
 * While a statement of the cell itself runs, its frame is known from the line clock, and the instruction offset is all
 * there is to read: no reference is taken, no frame object made. */
static inline int charge_root(PyThreadState *ts, int64_t delta)
{
    int offset = root_offset(ts);
    if (offset < 0) return -1;
    unsigned at = ((unsigned)offset >> 1) % RECENT;
    int site = L.root_sites[at].site;
    if (!site || L.root_sites[at].offset != offset) {
        site = site_of(L.root_code, offset);
        if (site <= 0) return -1;
        L.root_sites[at].offset = offset;
        L.root_sites[at].site = site;
    }
    line_add(&L.lines[L.sites[site].line], delta, offset);
    return site;
}

static void foreign_take(void);

#include "_objects.h"

/* ---- births and deaths ------------------------------------------------------------------------------------------ */

/* A step of the curve, when the total has moved far enough from the last one.  Small buffers have no time of their
 * own (a clock costs more than they do) until their sum makes a step. */
static inline void maybe_step(int64_t size)
{
    int64_t moved = L.current - L.curve.last;
    if (RARE((uint64_t)(moved + BIG - 1) >= 2 * BIG - 1))
        curve_step(&L.curve, size >= BIG ? L.now : (L.now = now_ns()), L.current);
}

static SELDOM void ghost_put(const Block *block)
{
    if (L.ghost_count == L.ghost_cap) {
        size_t cap = L.ghost_cap ? L.ghost_cap * 2 : 256;
        Block *grown = realloc(L.ghosts, cap * sizeof(Block));
        if (!grown) { L.lost = 1; return; }
        L.ghosts = grown;
        L.ghost_cap = cap;
    }
    L.ghosts[L.ghost_count++] = *block;
}

static void block_died(Block *block)
{
    if (block->site != BEFORE) {
        L.sites[block->site].live -= block->size;
        if (block->size < BIG) L.small_tracked--;
        if (block->serial <= L.peak_serial) ghost_put(block);
    }
    block_remove(block);
}

static void packed_died(size_t at)
{
    int site = (int)(L.packed[at] & PACKED_BEFORE);
    int64_t size = L.packed_size[at];
    if (site != PACKED_BEFORE) {
        L.sites[site].live -= size;
        packed_add(&L.sites[site], -size, -1);
    }
    packed_remove(at);
}

/* A buffer is born where we think another one lives: that one was freed behind our back, on no line that we know. */
static SELDOM void stale_gone(uintptr_t address)
{
    Block *block = block_find(address);
    ptrdiff_t at = block ? -1 : packed_find(address);
    if (!block && at < 0) return;
    int site = block ? block->site : (int)(L.packed[at] & PACKED_BEFORE);
    int64_t size = block ? block->size : L.packed_size[at];
    if (block) block_died(block);
    else packed_died((size_t)at);
    if (site == BEFORE || (!block && site == PACKED_BEFORE)) return;
    L.current -= size;
    line_charge(NOWHERE, -size, 0, ++L.walk);
}

/* A birth when the table of blocks is full: the bytes stay exact, the buffer is told with the others of its site. */
static SELDOM void birth_packed(uintptr_t address, int64_t size, int site)
{
    Site *s = &L.sites[site];
    stale_gone(address);
    if (!packed_put(address, size, site)) { L.loose += size; return; }
    packed_add(s, size, 1);
    s->live += size;
    if (s->live > s->peak) s->peak = s->live;
}

static inline void peak_mark(int64_t time)
{
    L.peak = L.current;
    L.peak_serial = L.serial;
    L.peak_time = time;
    L.peaks++;
    L.loose_at_peak = L.loose;
    L.ghost_count = 0;
}

static inline int is_noted(int64_t size)
{
    if (size < BIG) return L.small_tracked < SMALL_BLOCKS;
    return L.block_count < BLOCKS || size >= HUGE_SIZE;
}

static inline void birth(uintptr_t address, int64_t size, int site, unsigned long thread, int64_t time)
{
    L.serial++;
    L.current += size;
    L.objects.numpy += size;
    Site *s = &L.sites[site];
    s->hits++;
    s->gross += size;
    if (RARE(!is_noted(size)) || !block_room()) birth_packed(address, size, site);
    else {
        Block *slot = block_slot(address);
        if (RARE(slot->address || L.packed_count)) {
            stale_gone(address);
            slot = block_slot(address);
        }
        L.block_count++;
        slot->address = address;
        slot->size = size;
        slot->born = time;
        slot->serial = L.serial;
        slot->thread = thread;
        slot->site = site;
        if (size < BIG) L.small_tracked++;
        s->live += size;
        if (s->live > s->peak) s->peak = s->live;
    }
    if (L.current > L.peak) {
        peak_mark(time);
        /* The peak is named after the expression that took the bytes, not after the last few bytes on top of it: the
         * name stays while the total has neither grown nor fallen by a hundredth. */
        if (L.current - L.site_value > L.site_value / 100 || L.site_value - L.valley > L.site_value / 100) {
            L.peak_site = site;
            L.site_value = L.valley = L.current;
        }
    }
    maybe_step(size);
}

/* `size` is what NumPy says; the size noted at birth wins where there is one.  Returns the bytes that went. */
static int64_t death_size(uintptr_t address, int64_t size, Block **found)
{
    *found = block_find(address);
    if (*found) return (*found)->size;
    ptrdiff_t at = packed_find(address);
    return at < 0 ? size : (int64_t)L.packed_size[at];
}

/* A death of one that is not in the table of blocks. */
static SELDOM void death_packed(uintptr_t address, int64_t size)
{
    ptrdiff_t at = packed_find(address);
    if (at >= 0) packed_died((size_t)at);
    else if (L.loose >= size && size < HUGE_SIZE) L.loose -= size;   /* else one from before the trace */
}

static inline void death(uintptr_t address, Block *block, int64_t size)
{
    L.objects.numpy -= objects_traced(address, block, size);
    L.current -= size;
    if (L.current < L.valley) L.valley = L.current;
    if (block) block_died(block);
    else death_packed(address, size);
    maybe_step(size);
}

/* ---- events of threads that do not hold the GIL ------------------------------------------------------------------ */

static SELDOM void foreign_put(uintptr_t address, int64_t size, int is_birth)
{
    PyThread_acquire_lock(foreign_lock, WAIT_LOCK);
    if (L.on) {
        if (L.foreign_count == L.foreign_cap && L.foreign_cap < MOST_FOREIGN) {
            size_t cap = L.foreign_cap ? L.foreign_cap * 2 : 64;
            Foreign *grown = realloc(L.foreign, cap * sizeof(Foreign));
            if (grown) { L.foreign = grown; L.foreign_cap = cap; }
        }
        if (L.foreign_count < L.foreign_cap) {
            Foreign event = {address, size, now_ns(), PyThread_get_thread_ident(), is_birth};
            L.foreign[L.foreign_count] = event;
            POKE(L.foreign_count, L.foreign_count + 1);
        }
        else {   /* the sum of the rest is kept, and the highest it was */
            L.foreign_rest += is_birth ? size : -size;
            if (L.foreign_rest > L.foreign_top) L.foreign_top = L.foreign_rest;
            L.overrun = 1;
        }
    }
    PyThread_release_lock(foreign_lock);
}

/* What did not fit into the queue belongs to no buffer. */
static void foreign_sum(int64_t rest, int64_t top)
{
    L.current += top;
    L.loose += top;
    L.sites[NOWHERE].gross += top;
    if (L.current > L.peak) peak_mark(L.now);
    maybe_step(0);
    L.current += rest - top;
    L.loose = L.loose + rest - top > 0 ? L.loose + rest - top : 0;
    line_charge(NOWHERE, rest, 0, ++L.walk);
    maybe_step(0);
}

static SELDOM void foreign_take(void)
{
    PyThread_acquire_lock(foreign_lock, WAIT_LOCK);
    Foreign *events = L.foreign;
    size_t count = L.foreign_count;
    L.foreign = NULL;
    L.foreign_cap = 0;
    POKE(L.foreign_count, 0);
    int64_t rest = L.foreign_rest, top = L.foreign_top;
    L.foreign_rest = L.foreign_top = 0;
    PyThread_release_lock(foreign_lock);
    for (size_t i = 0; i < count; i++) {
        Foreign *e = &events[i];
        if (e->time > L.now) L.now = e->time;   /* the curve does not run backwards */
        if (e->is_birth) {
            line_charge(NOWHERE, e->size, 0, ++L.walk);
            birth(e->address, e->size, NOWHERE, e->thread, L.now);
        }
        else {
            Block *block;
            int64_t size = death_size(e->address, e->size, &block);
            line_charge(NOWHERE, -size, 0, ++L.walk);
            death(e->address, block, size);
        }
    }
    free(events);
    if (RARE(rest || top)) foreign_sum(rest, top);
}

/* ---- the guard: requests beyond `room` bytes above its start are refused, and NumPy raises its MemoryError ------- */

static struct { volatile int on; int64_t room, level, refusals, asked, left; } guard;

static inline int64_t guard_level(void) { return L.on ? L.current : guard.level; }

static SELDOM int guard_refuses(int64_t size)
{
    int64_t left = guard.room - guard_level();
    if (size <= left || size < BIG) return 0;   /* without its scalars nothing works, not even the way out */
    guard.asked = size;
    guard.left = left;
    guard.refusals++;
    return 1;
}

/* What a buffer had before it is resized is known while the ledger counts; else only an impossible size is refused,
 * and the level stays: what is freed later counts with its new size, so the guard errs to the lenient side. */
static SELDOM int guard_refuses_resize(uintptr_t address, int64_t size)
{
    if (!L.on) return guard_refuses(size - (guard.level > 0 ? guard.level : 0));
    Block *block = address && holding_gil() ? block_find(address) : NULL;
    return block ? guard_refuses(size - block->size) : 0;
}

/* ---- the four hooks ------------------------------------------------------------------------------------------------ */

static void clock_rearm(int site);

static void note_birth(void *address, size_t size)
{
    PyThreadState *ts = holding_gil();
    if (RARE(!ts)) { foreign_put((uintptr_t)address, (int64_t)size, 1); return; }
    if (RARE(PEEK(L.foreign_count))) foreign_take();
    if (size >= BIG) L.now = now_ns();
    int site = charge_root(ts, (int64_t)size);
    if (site < 0) site = charge_any(ts, (int64_t)size);
    birth((uintptr_t)address, (int64_t)size, site, (unsigned long)ts->thread_id, L.now);
    if (size >= BIG) clock_rearm(site);
}

static void note_death(void *address, size_t size)
{
    PyThreadState *ts = holding_gil();
    if (RARE(!ts)) { foreign_put((uintptr_t)address, (int64_t)size, 0); return; }
    if (RARE(PEEK(L.foreign_count))) foreign_take();
    Block *block;
    int64_t bytes = death_size((uintptr_t)address, (int64_t)size, &block);
    if (RARE(L.objects.read)) objects_read_in(ts, objects_traced((uintptr_t)address, block, bytes));
    if (bytes >= BIG) L.now = now_ns();
    if (charge_root(ts, -bytes) < 0) {
        charge_any(ts, -bytes);
        block = block_find((uintptr_t)address);   /* the walk may, rarely, have run code that moved the slots */
    }
    death((uintptr_t)address, block, bytes);
}

static void *hook_malloc(void *context, size_t size)
{
    if (RARE(guard.on) && guard_refuses((int64_t)size)) return objects_refused(0);
    int is_read = objects_before(0);
    void *made = original.malloc(context, size);
    if (RARE(is_read)) objects_after(made, 0);
    if (RARE(guard.on) && made) guard.level += (int64_t)size;
    if (made && PEEK(L.on)) note_birth(made, size);
    return made;
}

static void *hook_calloc(void *context, size_t count, size_t size)
{
    if (RARE(guard.on) && guard_refuses((int64_t)(count * size))) return objects_refused(0);
    int is_read = objects_before(0);
    void *made = original.calloc(context, count, size);
    if (RARE(is_read)) objects_after(made, 0);
    if (RARE(guard.on) && made) guard.level += (int64_t)(count * size);
    if (made && PEEK(L.on)) note_birth(made, count * size);
    return made;
}

static void hook_free(void *context, void *address, size_t size)
{
    if (RARE(guard.on) && address) guard.level -= (int64_t)size;
    if (address && PEEK(L.on)) note_death(address, size);   /* before the address can be handed out again */
    original.free(context, address, size);
}

/* A moved buffer is a death and a birth: the new size counts as allocated, never both at once. */
static void *hook_realloc(void *context, void *address, size_t size)
{
    uintptr_t old = (uintptr_t)address;
    if (RARE(guard.on) && guard_refuses_resize(old, (int64_t)size)) return objects_refused(old);
    int is_read = objects_before(old);
    void *made = original.realloc(context, address, size);
    if (RARE(is_read)) objects_after(made, old);
    if (made && PEEK(L.on)) {
        if (old && holding_gil()) {
            if (PEEK(L.foreign_count)) foreign_take();
            if (!block_find(old) && packed_find(old) < 0) L.resized_unknown++;
        }
        if (old) note_death((void *)old, 0);
        note_birth(made, size);
    }
    return made;
}

/* ---- the line clock --------------------------------------------------------------------------------------------------- */

static Thread *thread_of(unsigned long id)
{
    if (L.last_thread && L.last_thread->id == id) return L.last_thread;
    for (int i = 0; i < L.thread_count; i++) {
        if (L.threads[i]->id == id) return L.last_thread = L.threads[i];
    }
    /* One that has nothing open has ended or waits: its place is taken over, so that a cell may start any number. */
    for (int i = 1; i < L.thread_count; i++) {
        if (L.threads[i]->depth) continue;
        L.threads[i]->id = id;
        return L.last_thread = L.threads[i];
    }
    if (L.thread_count == MOST_THREADS) return NULL;
    Thread **grown = realloc(L.threads, (size_t)(L.thread_count + 1) * sizeof(Thread *));
    if (!grown) return NULL;
    L.threads = grown;
    Thread *made = calloc(1, sizeof(Thread));
    if (!made) return NULL;
    made->id = id;
    made->number = L.thread_count;
    L.threads[L.thread_count++] = made;
    return L.last_thread = made;
}

static void line_open(int index, int64_t time, int is_new)
{
    Line *line = &L.lines[index];
    if (line->active++ == 0) {
        line->opened = time;
        if (is_new) { line->base = line->net; line->objects_base = line->objects_net; }
    }
}

static void line_close(int index, int64_t time)
{
    Line *line = &L.lines[index];
    if (line->active > 0 && --line->active == 0) {
        if (line->hot) line->gap += time - line->opened;
        else line->nanoseconds += time - line->opened;
    }
}

/* Frames above `keep` have ended without telling (an exception, a switched-off return). */
static void close_down_to(Thread *thread, int keep, int64_t time)
{
    while (thread->depth > keep) line_close(thread->open[--thread->depth].line, time);
}

static inline int log2_of(int64_t value)
{
    int bits = 0;
    while (value >>= 1) bits++;
    return bits;
}

/* Drop the line events whose runs were shortest, a quarter of all at least: in what is drawn, each moment then shows the
 * line that ran or one that ran shortly before.  The first event is the start of the run; those around the peak tell
 * which statements had ended by then: they stay. */
static SELDOM void events_thin(int64_t now)
{
    int64_t next[2][DEEP];   /* when another line of that depth or further out began: thread of the cell, others */
    size_t of[64] = {0}, shorter = 0, kept = 1;
    unsigned char *bin = malloc(EVENTS);
    if (!bin) { L.lost = 1; L.event_count /= 2; return; }
    int deepest = 0;
    for (size_t i = 0; i < L.event_count; i++) if (L.events[i].depth > deepest) deepest = L.events[i].depth;
    for (int i = 0; i <= deepest; i++) next[0][i] = next[1][i] = now;
    for (size_t i = L.event_count; i-- > 0;) {
        Event *e = &L.events[i];
        int64_t *ends = next[e->thread != 0], end = ends[e->depth];
        int is_kept = i == 0 || (e->time <= L.peak_time && end >= L.peak_time);
        bin[i] = (unsigned char)(is_kept ? 255 : log2_of(end - e->time));
        if (!is_kept) of[bin[i]]++;
        for (int depth = e->depth; depth <= deepest; depth++) ends[depth] = e->time;
    }
    int limit = 0;
    while (limit < 63 && shorter + of[limit] < L.event_count / 2) shorter += of[limit++];
    for (size_t i = 1, turn = 0; i < L.event_count; i++) {
        if (bin[i] < limit || (bin[i] == limit && turn++ % 2)) continue;
        L.events[kept++] = L.events[i];
    }
    if (kept > EVENTS / 4 * 3) {   /* a clock so coarse that hardly anything differs */
        for (kept = 1; kept < EVENTS / 2; kept++) L.events[kept] = L.events[2 * kept];
    }
    L.event_count = kept;
    free(bin);
}

static int statement_of(File *file, int line)
{
    return file->statements && line < file->statement_count ? file->statements[line] : line * 2;
}

/* A statement of the cell itself begins: its frame stays where it is until it returns. */
static void root_enter(const void *frame, PyCodeObject *code)
{
    int is_root = PyUnicode_CompareWithASCIIString(code->co_name, "<module>") == 0;
    L.root_frame = is_root ? frame : NULL;
    L.root_code = code;
    memset(L.root_sites, 0, sizeof L.root_sites);
}

/* A line of a followed frame begins.  Returns 1 when this location has fired often enough to be switched off. */
static int line_event(unsigned long id, const void *frame, PyCodeObject *code, int file, int number, int offset)
{
    int index = line_index(file, number, code), is_kept = L.objects.read != NULL;   /* its lines are never too hot */
    Thread *thread = thread_of(id);
    if (!thread) return 0;
    if (index == NOWHERE) return 1;
    L.objects.running = thread;
    int64_t time = L.now = now_ns();
    int at = thread->depth - 1;
    while (at >= 0 && thread->open[at].frame != frame) at--;
    int known = at >= 0 && thread->open[at].code == code;
    int statement = statement_of(&L.files[file], number);
    int goes_on = known && thread->open[at].statement == statement && thread->open[at].entry != offset;
    close_down_to(thread, known ? at + 1 : (at >= 0 ? at : thread->depth), time);
    if (known) line_close(thread->open[at].line, time);
    else {
        if (thread->depth == DEEP) close_down_to(thread, DEEP - 1, time);
        at = thread->depth++;
    }
    Open *open = &thread->open[at];
    Line *line = &L.lines[index];
    if (id == L.main_id) L.objects.is_waiting = 0;
    if (at == 0 && id == L.main_id && (L.root_frame != frame || L.root_code != code)) root_enter(frame, code);
    open->frame = frame;
    open->code = code;
    open->line = index;
    if (!goes_on) { open->statement = statement; open->entry = offset; open->execution = ++L.execution; }
    /* The line of a `with` fires once more when the block is left: that is no new run. */
    if (line->first_offset < 0) line->first_offset = offset;
    int is_leaving = (statement & 1) && offset != line->first_offset;
    /* A comprehension is a part of its line, also where it runs in a frame of its own (before 3.12). */
    int is_part = at > 0 && thread->open[at - 1].line == index && PyUnicode_READ_CHAR(code->co_name, 0) == '<';
    int is_new = line->execution != open->execution && !is_leaving && !is_part;
    line_open(index, time, is_new);
    if (is_new) {
        line->execution = open->execution;
        if (line->hits < HOT || is_kept) line->hits++;
        if (line->hits <= HOT) {
            if (RARE(L.event_count == EVENTS)) events_thin(time);
            Event event = {time, index, (short)thread->number, (short)at};
            L.events[L.event_count++] = event;
        }
    }
    if (++line->events < HOT || is_kept) return 0;
    if (line->hits >= HOT && !line->hot) {
        line->hot = 1;
        line->last_offset = INT_MAX;   /* the next birth begins a run */
    }
    return 1;
}

/* A followed frame returns or yields.  Returns 1 when that has happened often enough.
 *
 * A coroutine that awaits is not done with its line: the time it waits is the line's. */
static int return_event(unsigned long id, const void *frame, PyCodeObject *code, int may_await)
{
    if (may_await && (code->co_flags & (CO_COROUTINE | CO_ASYNC_GENERATOR))) {
        if (frame == L.root_frame) L.root_frame = NULL;
        return 0;
    }
    Thread *thread = thread_of(id);
    if (!thread) return 0;
    int at = thread->depth - 1;
    while (at >= 0 && thread->open[at].frame != frame) at--;
    L.objects.running = thread;
    if (at < 0) return ++L.unmatched >= HOT && !L.objects.read;   /* its lines are hot, or it went on after a yield */
    int index = thread->open[at].line;
    if (frame == L.root_frame) L.root_frame = NULL;
    close_down_to(thread, at, L.now = now_ns());
    if (!at && id == L.main_id) L.objects.is_waiting = 1;
    return ++L.lines[index].returns >= HOT && !L.objects.read;
}

/* The first time a file speaks, ask Python which lines make up one statement.
 *
 * That runs Python code, in which anything may happen: another thread may end the trace (then 0 is the answer, and the
 * tables are gone), or the user may interrupt (then -1, with the exception set). */
static int file_describe(int number)
{
    File *file = &L.files[number];
    if (file->statements || !L.describe) return 1;
    if (!(file->statements = calloc(1, sizeof(int)))) return 1;
    unsigned asked_in = run;
    PyObject *describe = Py_NewRef(L.describe), *name = Py_NewRef(file->name);
    PyObject *answer = PyObject_CallOneArg(describe, name);
    int goes_on = L.on && run == asked_in;
    if (goes_on && answer && PyBytes_Check(answer)) {
        size_t size = (size_t)PyBytes_GET_SIZE(answer);
        int *grown = realloc(file->statements, size ? size : sizeof(int));
        if (grown) {
            memcpy(grown, PyBytes_AS_STRING(answer), size);
            file->statements = grown;
            file->statement_count = (int)(size / sizeof(int));
        }
    }
    if (!answer && !PyErr_ExceptionMatches(PyExc_Exception)) goes_on = -1;
    else if (!answer) PyErr_WriteUnraisable(describe);
    Py_XDECREF(answer);
    Py_DECREF(name);
    Py_DECREF(describe);
    return goes_on;
}

#if PY_VERSION_HEX >= 0x030C0000

static void clock_rearm(int site) { (void)site; }

static const void *running_frame(PyThreadState *ts)
{
    if (RUNNING_FRAME(ts)) return RUNNING_FRAME(ts);
    PyFrameObject *frame = PyThreadState_GetFrame(ts);
    Py_XDECREF(frame);
    return frame;
}

static int running_offset(PyThreadState *ts)
{
    if (RUNNING_FRAME(ts)) return PyUnstable_InterpreterFrame_GetLasti((struct _PyInterpreterFrame *)RUNNING_FRAME(ts));
    PyFrameObject *frame = PyThreadState_GetFrame(ts);
    int offset = frame ? PyFrame_GetLasti(frame) : -1;
    Py_XDECREF(frame);
    return offset;
}

/* sys.monitoring PY_START: the first call of any code object; followed ones get their lines switched on. */
static PyObject *on_start(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    if (!L.on || count < 1 || !PyCode_Check(args[0])) Py_RETURN_NONE;
    int file = followed((PyCodeObject *)args[0]);
    if (file >= 0 && L.follow) {
        if (L.objects.read) objects_read(0, 0);
        int goes_on = file_describe(file);
        if (goes_on < 0) return NULL;
        if (!goes_on) Py_RETURN_NONE;
        /* The call runs Python code, and another thread may end the trace in it: what is used is held. */
        PyObject *follow = Py_NewRef(L.follow), *disable = Py_NewRef(L.disable);
        PyObject *done = PyObject_CallOneArg(follow, args[0]);
        Py_DECREF(follow);
        if (!done) Py_CLEAR(disable);
        Py_XDECREF(done);
        if (L.on && L.objects.read) objects_forget();
        return disable;
    }
    return Py_NewRef(L.disable);
}

/* sys.monitoring LINE (code, line). */
static PyObject *on_line(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    if (!L.on || count < 2 || !PyCode_Check(args[0])) Py_RETURN_NONE;
    PyCodeObject *code = (PyCodeObject *)args[0];
    int file = followed(code);
    if (file < 0) return Py_NewRef(L.disable);
    PyThreadState *ts = PyThreadState_Get();
    if (L.objects.read) objects_read(0, objects_number(args[1]));
    int off = line_event((unsigned long)ts->thread_id, running_frame(ts), code, file, (int)PyLong_AsLong(args[1]),
                         running_offset(ts));
    if (!off) Py_RETURN_NONE;
    if (!L.quiet) return Py_NewRef(L.disable);
    /* Where a line can be jumped to from within itself, the interpreter looks for an event each time, and finds none. */
    PyObject *quiet = Py_NewRef(L.quiet), *answer = PyObject_CallFunctionObjArgs(quiet, args[0], args[1], NULL);
    Py_DECREF(quiet);
    return answer;
}

/* sys.monitoring PY_RETURN and PY_YIELD: (code, offset, value). */
static PyObject *on_end(PyObject *const *args, Py_ssize_t count, int may_await)
{
    if (!L.on || count < 1 || !PyCode_Check(args[0])) Py_RETURN_NONE;
    PyThreadState *ts = PyThreadState_Get();
    if (L.objects.read && count > 1) objects_read(0, objects_number(args[1]));
    int off = return_event((unsigned long)ts->thread_id, running_frame(ts), (PyCodeObject *)args[0], may_await);
    return Py_NewRef(off ? L.disable : Py_None);
}

static PyObject *on_return(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    return on_end(args, count, 0);
}

static PyObject *on_yield(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    return on_end(args, count, 1);
}

static PyObject *trace_here(PyObject *self, PyObject *ignored)
{
    (void)self;
    (void)ignored;
    Py_RETURN_NONE;
}

#define trace_thread trace_here

#else /* 3.11: the trace function */

static int clock_wanted;      /* between clock start and stop */
static int clock_armed;       /* the thread of the cell has its trace function set */
static int clock_idle;        /* hot events in a row */
static PyObject *notice;      /* is told the frame of each line that begins for the first time, or NULL */

static int tell_of(PyFrameObject *frame)
{
    PyObject *told = Py_NewRef(notice), *done = PyObject_CallOneArg(told, (PyObject *)frame);
    Py_DECREF(told);   /* held, since another thread may end the trace in the call */
    Py_XDECREF(done);
    return done ? 0 : -1;   /* an interrupt: it goes on in the cell */
}

/* The cell's statement has ended while its lines were hot, so without telling. */
static void root_left(void)
{
    Thread *thread = thread_of(L.main_id);
    int at = thread ? thread->depth - 1 : -1;
    while (at >= 0 && thread->open[at].frame != L.root_frame) at--;
    L.root_frame = NULL;
    if (at >= 0) close_down_to(thread, at, L.now = now_ns());
}

static int trace_function(PyObject *self, PyFrameObject *frame, int what, PyObject *arg)
{
    (void)self;
    (void)arg;
    PyThreadState *ts = PyThreadState_Get();
    if (!L.on || !clock_wanted) { PyEval_SetTrace(NULL, NULL); return 0; }
    if (what != PyTrace_LINE && what != PyTrace_RETURN) return 0;
    PyCodeObject *code = PyFrame_GetCode(frame);
    int file = followed(code), idle = 0;
    if (file >= 0 && L.objects.read) objects_read(0, 0);
    /* This event does not tell a return from an await: a coroutine's line is closed by what comes next. */
    if (file >= 0 && what == PyTrace_RETURN) idle = return_event((unsigned long)ts->thread_id, RUNNING_FRAME(ts), code, 1);
    else if (file >= 0) {
        int is_first = L.objects.read && !L.files[file].statements;
        int goes_on = file_describe(file);
        if (goes_on <= 0) {
            Py_DECREF(code);
            return goes_on;
        }
        if (is_first) objects_forget();
        int number = PyFrame_GetLineNumber(frame);
        idle = line_event((unsigned long)ts->thread_id, RUNNING_FRAME(ts), code, file, number, PyFrame_GetLasti(frame));
        if (notice && L.lines[line_index(file, number, code)].events == 1 && tell_of(frame) < 0) {
            Py_DECREF(code);
            return -1;
        }
    }
    Py_DECREF(code);
    /* A loop whose lines are all hot runs without the trace function; it comes back with the next buffer born on
     * another line, or with the cell's next statement. */
    clock_idle = file >= 0 && !idle ? 0 : clock_idle + (file >= 0);
    if (clock_idle > 64) {
        clock_idle = 0;
        if (ts == L.main) clock_armed = 0;
        PyEval_SetTrace(NULL, NULL);
    }
    return 0;
}

static void clock_rearm(int site)
{
    if (!clock_wanted || clock_armed || L.lines[L.sites[site].line].hot) return;
    if (PyThreadState_Get() != L.main) return;
    clock_armed = 1;
    PyEval_SetTrace(trace_function, NULL);
}

static PyObject *trace_here(PyObject *self, PyObject *wanted)
{
    (void)self;
    clock_wanted = PyObject_IsTrue(wanted);
    clock_armed = clock_wanted;
    clock_idle = 0;
    if (L.on && L.root_frame) root_left();
    L.objects.is_waiting = 1;   /* a statement begins with its first line */
    PyEval_SetTrace(clock_wanted ? trace_function : NULL, NULL);
    Py_RETURN_NONE;
}

static PyObject *tell_lines(PyObject *self, PyObject *callable)
{
    (void)self;
    Py_XSETREF(notice, callable == Py_None ? NULL : Py_NewRef(callable));
    Py_RETURN_NONE;
}

/* What threading.settrace is given: at its first event a new thread gets the C trace function. */
static PyObject *trace_thread(PyObject *self, PyObject *args)
{
    (void)self;
    (void)args;
    if (clock_wanted && L.on) PyEval_SetTrace(trace_function, NULL);
    Py_RETURN_NONE;
}

#endif

/* ---- start, stop, and what is read in between ----------------------------------------------------------------------- */

static void forget(void)
{
    for (int i = 1; i < L.site_count; i++) Py_XDECREF(L.sites[i].code);
    for (int i = 1; i < L.line_count; i++) Py_XDECREF(L.lines[i].code);
    for (int i = 0; i < L.file_count; i++) {
        Py_XDECREF(L.files[i].name);
        free(L.files[i].lines);
        free(L.files[i].statements);
    }
    for (int i = 0; i < L.thread_count; i++) free(L.threads[i]);
    for (int i = 0; i < FILE_CACHE; i++) Py_CLEAR(file_cache[i].name);
    for (int i = 0; i < RECENT; i++) Py_CLEAR(L.others[i]);
    free(L.blocks); free(L.ghosts); free(L.packed); free(L.sites); free(L.keys); free(L.lines); free(L.files);
    free(L.curve.points); free(L.objects.curve.points); free(L.events); free(L.threads); free(L.foreign);
    Py_XDECREF(L.objects.read); Py_XDECREF(L.objects.reset);
    Py_XDECREF(L.codes); Py_XDECREF(L.stop_file); Py_XDECREF(L.follow); Py_XDECREF(L.quiet);
    Py_XDECREF(L.describe); Py_XDECREF(L.disable);
    memset(&L, 0, sizeof L);
    run++;
}

static int make_room(void)
{
    L.block_cap = 1024;
    L.site_cap = L.line_cap = 256;
    L.key_cap = 1024;
    L.blocks = calloc(L.block_cap, sizeof(Block));
    L.sites = calloc((size_t)L.site_cap, sizeof(Site));
    L.lines = calloc((size_t)L.line_cap, sizeof(Line));
    L.keys = calloc(L.key_cap, sizeof(Key));
    /* Room for the worst case; pages that are never written cost nothing. */
    L.events = malloc(EVENTS * sizeof(Event));
    L.site_count = L.line_count = 1;   /* number 0 is "nowhere" */
    return L.blocks && L.sites && L.lines && L.keys && L.events && curve_make(&L.curve);
}

static int take_files(PyObject *whole, PyObject *partial)
{
    Py_ssize_t wholes = PyTuple_GET_SIZE(whole), count = wholes + PyTuple_GET_SIZE(partial);
    L.files = calloc((size_t)(count ? count : 1), sizeof(File));
    if (!L.files) return 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *name = i < wholes ? PyTuple_GET_ITEM(whole, i) : PyTuple_GET_ITEM(partial, i - wholes);
        if (!PyUnicode_Check(name)) return 0;
        L.files[i].name = Py_NewRef(name);
        L.files[i].whole = i < wholes;
        L.file_count++;
    }
    return 1;
}

/* Buffers that exist already and whose size is known, so that a later realloc of them can be counted. */
static int take_known(PyObject *known)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(known, &at, &key, &value)) {
        Block block = {(uintptr_t)PyLong_AsUnsignedLongLong(key), PyLong_AsLongLong(value), 0, 0, 0, BEFORE};
        if (PyErr_Occurred()) return 0;
        if (!block.address || block_find(block.address) || packed_find(block.address) >= 0) continue;
        if (L.block_count < SMALL_BLOCKS || block.size >= HUGE_SIZE) block_put(&block);
        else packed_put(block.address, block.size, PACKED_BEFORE);
    }
    return 1;
}

static int buried;   /* another tool has put its own hooks above ours, and calls them */

static void hooks_in(void)
{
    int is_ours = handler->allocator.malloc == hook_malloc;
    if (is_ours || (buried && handler->allocator.malloc != original.malloc)) return;
    buried = 0;
    original = handler->allocator;
    handler->allocator.malloc = hook_malloc;
    handler->allocator.calloc = hook_calloc;
    handler->allocator.realloc = hook_realloc;
    handler->allocator.free = hook_free;
}

static void hooks_out(void)
{
    /* Another tool may have put its own hooks above ours meanwhile: then ours must stay, and only pass through. */
    buried = handler->allocator.malloc != hook_malloc;
    if (!buried) handler->allocator = original;
}

PyDoc_STRVAR(start_doc, "start(whole_files, partial_files, codes, known, runner, describe, follow, quiet, disable, objects=None) -> int\n\n"
"Begin counting; returns the start in nanoseconds. `whole_files` and `partial_files` are tuples of co_filename:\n"
"all code of the first is followed, of the second only the code objects in the tuple `codes`. `known` maps addresses\n"
"of existing buffers to bytes. `runner` is the co_filename of the code that runs the cell: walks end there. `describe(filename)` answers with native ints, one a line: twice the first line of its\n"
"statement, plus 1 for the head of a `with`. `follow(code)` is called once a followed code object starts, `quiet(code, line)`\n"
"once a line of it has run often enough; its answer goes back to sys.monitoring. `objects`, for Python's own bytes:\n"
"(get_traced_memory, reset_peak, NumPy's domain, addresses of `known` that tracemalloc does not know of, or None where\n"
"it has just been started); no line is switched off then.");

static PyObject *start(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *whole, *partial, *codes, *known, *runner, *describe, *follow, *quiet, *disable, *objects = Py_None;
    if (!PyArg_ParseTuple(args, "O!O!O!O!UOOOO|O", &PyTuple_Type, &whole, &PyTuple_Type, &partial, &PyTuple_Type, &codes,
                          &PyDict_Type, &known, &runner, &describe, &follow, &quiet, &disable, &objects)) return NULL;
    if (L.on || is_handing) return PyErr_Format(PyExc_RuntimeError, "the ledger is already counting");
    forget();
    if (!spare_lock) spare_lock = PyThread_allocate_lock();
    if (!make_room() || !take_files(whole, partial) || !take_known(known) || !objects_take(objects)) {
        forget();
        return PyErr_Occurred() ? NULL : PyErr_NoMemory();
    }
    L.codes = Py_NewRef(codes);
    L.stop_file = Py_NewRef(runner);
    L.describe = describe == Py_None ? NULL : Py_NewRef(describe);
    L.follow = follow == Py_None ? NULL : Py_NewRef(follow);
    L.quiet = quiet == Py_None ? NULL : Py_NewRef(quiet);
    L.disable = Py_NewRef(disable);
    L.main = PyThreadState_Get();
    L.main_id = (unsigned long)L.main->thread_id;
    hooks_in();
    int64_t time = L.now = now_ns();
    point_put(&L.curve, time, 0);
    L.objects.running = thread_of(L.main_id);   /* number 0 */
    POKE(L.on, 1);
    if (L.objects.read) objects_begin(time);
    return PyLong_FromLongLong(time);
}

typedef struct { int64_t address, size, born; int site, is_alive; } Held;

/* The noted buffers that were alive at the peak, as bytes of `Held`. */
static PyObject *held_bytes(void)
{
    size_t count = 0, alive = 0;
    for (size_t i = 0; i < L.block_cap; i++) alive += L.blocks[i].address && L.blocks[i].site != BEFORE;
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)((alive + L.ghost_count) * sizeof(Held)));
    if (!bytes) return NULL;
    Held *held = (Held *)PyBytes_AS_STRING(bytes);
    for (size_t i = 0; i < L.block_cap + L.ghost_count; i++) {
        int is_alive = i < L.block_cap;
        Block *b = is_alive ? &L.blocks[i] : &L.ghosts[i - L.block_cap];
        if (!b->address || b->site == BEFORE || b->serial > L.peak_serial) continue;
        held[count++] = (Held){(int64_t)b->address, b->size, b->born, b->site, is_alive};
    }
    _PyBytes_Resize(&bytes, (Py_ssize_t)(count * sizeof(Held)));
    return bytes;
}

/* What each site held at the peak in packed buffers, as a list of (site, bytes, buffers). */
static PyObject *packed_list(void)
{
    PyObject *list = PyList_New(0);
    for (int i = 0; list && i < L.site_count; i++) {
        Site *s = &L.sites[i];
        int is_now = s->packed_peak != L.peaks;
        int count = is_now ? s->packed_count : s->packed_count_before;
        if (!count) continue;
        PyObject *item = Py_BuildValue("(iLi)", i, (long long)(is_now ? s->packed : s->packed_before), count);
        if (!item || PyList_Append(list, item) < 0) Py_CLEAR(list);
        Py_XDECREF(item);
    }
    return list;
}

static PyObject *site_list(void)
{
    PyObject *list = PyList_New(L.site_count);
    for (int i = 0; list && i < L.site_count; i++) {
        Site *s = &L.sites[i];
        PyObject *item = Py_BuildValue("(O(iiii)iLLLL)", s->code ? (PyObject *)s->code : Py_None, s->place[0], s->place[1],
                                       s->place[2], s->place[3], s->line, (long long)s->hits, (long long)s->gross, (long long)s->live, (long long)s->peak);
        if (item) PyList_SET_ITEM(list, i, item);
        else Py_CLEAR(list);
    }
    return list;
}

static PyObject *line_list(void)
{
    PyObject *list = PyList_New(L.line_count);
    for (int i = 0; list && i < L.line_count; i++) {
        Line *l = &L.lines[i];
        PyObject *name = i ? L.files[l->file].name : Py_None;
        PyObject *item = Py_BuildValue("(OiOLiLLLLLLL)", name, l->line, l->code ? (PyObject *)l->code : Py_None,
                                       (long long)l->hits, l->hot, (long long)l->nanoseconds, (long long)l->gap,
                                       (long long)l->gross, (long long)l->net, (long long)l->peak,
                                       (long long)l->objects_net, (long long)l->objects_peak);
        if (item) PyList_SET_ITEM(list, i, item);
        else Py_CLEAR(list);
    }
    return list;
}

static int64_t gross_now(void)
{
    int64_t gross = 0;
    for (int i = 0; i < L.site_count; i++) gross += L.sites[i].gross;
    return gross;
}

static void end_counting(void)
{
    if (!guard.on) hooks_out();
    /* Under the lock: whoever puts an event into the queue looks at `on` there, so none comes after this. */
    PyThread_acquire_lock(foreign_lock, WAIT_LOCK);
    POKE(L.on, 0);
    PyThread_release_lock(foreign_lock);
    foreign_take();
}

#ifndef _WIN32
/* In a child nothing is counted.  This runs inside of fork(), before Python frees the states of the threads that are not
 * there any more: a buffer that dies with them must not be charged to a thread of the cell that is one of these.  The
 * parent's lock may be held by a thread that does not exist here, and memory for a new one may not be asked for. */
static void forked_child(void)
{
    if (spare_lock) foreign_lock = spare_lock;
    spare_lock = NULL;
    if (!L.on) return;
    hooks_out();
    L.on = 0;
    L.abandoned = 1;
}
#endif

PyDoc_STRVAR(stop_doc, "stop() -> dict\n\nEnd counting, put NumPy's allocator back, and hand over what was counted.");

static PyObject *stop(PyObject *self, PyObject *ignored)
{
    (void)self;
    (void)ignored;
    if ((!L.on && !L.abandoned) || is_handing) return PyErr_Format(PyExc_RuntimeError, "the ledger is not counting");
    int64_t time = L.abandoned ? L.now : now_ns();
    if (L.on && L.objects.read) objects_read(0, 0);
    if (L.on) end_counting();
    for (int i = 0; i < L.thread_count; i++) close_down_to(L.threads[i], 0, time);
    bucket_flush(&L.curve);
    point_put(&L.curve, time, L.current);
    is_handing = 1;   /* making the lists may start a collection, and with it anybody's code */
    PyObject *result = Py_BuildValue(
        "{sLsLsLsLsLsLsisLsisisisisisNsNsNsNsNsNsN}",
        "stopped", (long long)time, "current", (long long)L.current, "peak", (long long)L.peak,
        "gross", (long long)gross_now(), "births", (long long)L.serial,
        "peak_time", (long long)L.peak_time, "peak_site", L.peak_site, "loose_at_peak", (long long)L.loose_at_peak,
        "lost", L.lost, "crowded", L.crowded, "resized_unknown", L.resized_unknown, "overrun", L.overrun,
        "abandoned", L.abandoned, "sites", site_list(), "lines", line_list(), "held", held_bytes(), "packed", packed_list(),
        "points", PyBytes_FromStringAndSize((const char *)L.curve.points, (Py_ssize_t)(L.curve.count * sizeof(Point))),
        "events", PyBytes_FromStringAndSize((const char *)L.events, (Py_ssize_t)(L.event_count * sizeof(Event))),
        "objects", objects_told(time));
    is_handing = 0;
    forget();
    return result;
}

PyDoc_STRVAR(totals_doc, "totals() -> (current, peak, gross, buffers)\n\n"
"Bytes now, at the highest since the start or the last reset, in all; and the number of buffers born.");

static PyObject *totals(PyObject *self, PyObject *ignored)
{
    (void)self;
    (void)ignored;
    if (L.on && L.foreign_count) foreign_take();
    return Py_BuildValue("(LLLL)", (long long)L.current, (long long)L.peak, (long long)gross_now(),
                         (long long)L.serial);
}

PyDoc_STRVAR(tables_doc, "tables() -> int\n\nBytes that the ledger's own tables take now, untouched pages included.");

static PyObject *tables(PyObject *self, PyObject *ignored)
{
    (void)self;
    (void)ignored;
    size_t bytes = sizeof L + (L.block_cap + L.ghost_cap) * sizeof(Block) + L.key_cap * sizeof(Key)
        + L.packed_cap * (sizeof(uint64_t) + sizeof(uint32_t)) + (size_t)L.site_cap * sizeof(Site)
        + (size_t)L.line_cap * sizeof(Line) + (size_t)L.thread_count * sizeof(Thread) + L.foreign_cap * sizeof(Foreign);
    for (int i = 0; i < L.file_count; i++) bytes += (size_t)(L.files[i].size + L.files[i].statement_count) * sizeof(int);
    if (L.curve.points) bytes += (2 * POINTS + 2) * sizeof(Point) + EVENTS * sizeof(Event);
    if (L.objects.curve.points) bytes += (2 * POINTS + 2) * sizeof(Point);
    return PyLong_FromSize_t(bytes);
}

PyDoc_STRVAR(reset_doc, "reset_peak() -> None\n\nThe peak starts again from the bytes allocated now.");

static PyObject *reset_peak(PyObject *self, PyObject *ignored)
{
    (void)self;
    (void)ignored;
    peak_mark(L.now);
    L.peak_site = NOWHERE;
    L.site_value = L.valley = 0;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(abandon_doc, "abandon() -> None\n\nStop counting at once; `stop` hands over what was counted so far.");

static PyObject *abandon(PyObject *self, PyObject *ignored)
{
    (void)self;
    (void)ignored;
    if (!L.on) Py_RETURN_NONE;
    end_counting();
    L.abandoned = 1;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(drop_doc, "drop() -> None\n\nStop counting and forget everything. For a run that was cut off.");

static PyObject *drop(PyObject *self, PyObject *ignored)
{
    (void)self;
    (void)ignored;
    if (L.on) end_counting();
    if (!is_handing) forget();
    Py_RETURN_NONE;
}

PyDoc_STRVAR(guard_start_doc, "guard_start(room, level) -> None\n\n"
"Refuse requests that would take NumPy's bytes more than `room` above now; `level` are taken already.");

static PyObject *guard_start(PyObject *self, PyObject *args)
{
    (void)self;
    long long room, level;
    if (!PyArg_ParseTuple(args, "LL", &room, &level)) return NULL;
    guard.room = room;
    guard.level = level;
    guard.refusals = guard.asked = guard.left = 0;
    if (!L.on) hooks_in();
    guard.on = 1;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(guard_stop_doc, "guard_stop() -> (room, level, refusals, asked, left)\n\n"
"Refuse nothing any more. `asked` and `left` are bytes, of the last refusal.");

static PyObject *guard_stop(PyObject *self, PyObject *ignored)
{
    (void)self;
    (void)ignored;
    if (guard.on && !L.on) hooks_out();
    guard.on = 0;
    return Py_BuildValue("(LLLLL)", (long long)guard.room, (long long)guard.level, (long long)guard.refusals,
                         (long long)guard.asked, (long long)guard.left);
}

static PyObject *counting(PyObject *self, PyObject *ignored)
{
    (void)self;
    (void)ignored;
    return PyBool_FromLong(L.on);
}

static PyMethodDef methods[] = {
    {"start", start, METH_VARARGS, start_doc},
    {"stop", stop, METH_NOARGS, stop_doc},
    {"totals", totals, METH_NOARGS, totals_doc},
    {"tables", tables, METH_NOARGS, tables_doc},
    {"reset_peak", reset_peak, METH_NOARGS, reset_doc},
    {"abandon", abandon, METH_NOARGS, abandon_doc},
    {"guard_start", guard_start, METH_VARARGS, guard_start_doc},
    {"guard_stop", guard_stop, METH_NOARGS, guard_stop_doc},
    {"drop", drop, METH_NOARGS, drop_doc},
    {"frames_probe", frames_probe, METH_NOARGS, "frames_probe() -> None\n\nNote the frame that calls, for `frames_learn`."},
    {"frames_learn", frames_learn, METH_NOARGS,
     "frames_learn() -> bool\n\nLearn from the probes how a frame tells its caller; False when frame objects stay in use."},
    {"frames_forget", frames_forget, METH_NOARGS, "frames_forget() -> None\n\nUse frame objects."},
    {"counting", counting, METH_NOARGS, "counting() -> bool\n\nWhether a trace is running."},
#if PY_VERSION_HEX >= 0x030C0000
    {"on_start", (PyCFunction)(void (*)(void))on_start, METH_FASTCALL, "sys.monitoring callback for PY_START."},
    {"on_line", (PyCFunction)(void (*)(void))on_line, METH_FASTCALL, "sys.monitoring callback for LINE."},
    {"on_return", (PyCFunction)(void (*)(void))on_return, METH_FASTCALL, "sys.monitoring callback for PY_RETURN."},
    {"on_yield", (PyCFunction)(void (*)(void))on_yield, METH_FASTCALL, "sys.monitoring callback for PY_YIELD."},
    {"trace_here", trace_here, METH_O, "Does nothing where sys.monitoring exists."},
    {"trace_thread", trace_thread, METH_VARARGS, "Does nothing where sys.monitoring exists."},
#else
    {"trace_here", trace_here, METH_O, "trace_here(wanted)\n\nSet (or clear) the C trace function of this thread."},
    {"trace_thread", trace_thread, METH_VARARGS, "A trace function for threading.settrace."},
    {"tell_lines", tell_lines, METH_O, "tell_lines(callable)\n\nCall it with the frame at each line's first run; None: no more."},
#endif
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_ledger", "Exact counts of NumPy's buffers and the lines that asked for them.", -1,
    methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__ledger(void)
{
#ifdef Py_GIL_DISABLED
    PyErr_SetString(PyExc_ImportError, "the native ledger relies on the GIL, and this CPython is free-threaded");
    return NULL;
#else
    import_array();
    PyObject *capsule = PyDataMem_DefaultHandler;
    handler = PyCapsule_GetPointer(capsule, "mem_handler");
    if (!handler) return NULL;
    foreign_lock = PyThread_allocate_lock();
    if (!foreign_lock) return PyErr_NoMemory();
#ifndef _WIN32
    if (pthread_atfork(NULL, NULL, forked_child)) return PyErr_NoMemory();
#endif
    return PyModule_Create(&module);
#endif
}
