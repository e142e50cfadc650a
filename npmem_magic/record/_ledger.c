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
 *   Site    one expression: code object and place in the source; its totals. (hash table on code and offset)
 *   Line    one line of a followed file; costs of what it calls included.    (array per file)
 *   Point   one step of the allocated curve; when the buffer is full, neighbours are merged into their extremes.
 *   Ghost   a buffer that was alive at the peak and died later.
 * The set "alive at the peak" needs no snapshot: it is the live blocks born before the peak plus the ghosts, and
 * every new peak empties the list of ghosts.
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
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <windows.h>
#else
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
#define SMALL_TRACKED (1 << 16)  /* smaller buffers alive at one time whose site is remembered */
#define POINTS (1 << 16)         /* steps of the curve before neighbours are merged */
#define EVENTS (1 << 18)         /* line events kept for the lane of lines */
#define HOT 1000                 /* runs of a line after which its events are switched off */
#define DEEP 256                 /* open followed frames noted per thread; deeper ones share the last */
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

#define BEFORE (-1)   /* site of a buffer born before the trace whose size is known */
#define OUTSIDE (-2)  /* a frame of the runner: no followed frame lies further out */
#define NOWHERE 0     /* site and line 0: no followed line asked for it */

typedef struct { uintptr_t address; int64_t size, born; uint64_t serial; unsigned long thread; int site; } Block;
typedef struct { PyCodeObject *code; int offset, line, is_root, place[4]; int64_t hits, gross, live, peak; } Site;
typedef struct { PyCodeObject *code; int offset, site; } Key;   /* several instructions may share one expression */
typedef struct {
    PyCodeObject *code;         /* the first code seen on this line; NULL for line 0 */
    int file, line, hot, active;
    int64_t hits, events, returns, gross, net, peak, base;  /* base: net when the line was begun */
    int64_t opened, nanoseconds, gap;                      /* gap: time after the clock was switched off */
    uint64_t mark, execution;
    int first_offset, last_offset;
} Line;
typedef struct { PyObject *name; int *lines; int size, whole; int *statements; int statement_count; } File;
typedef struct { int64_t time, low, high, last; int64_t low_time, high_time, last_time; int count; } Bucket;
typedef struct { int64_t time, value; } Point;
typedef struct { int64_t time; int line; short thread, depth; } Event;   /* thread 0 is the cell's */
typedef struct { uintptr_t address; int64_t size, time; unsigned long thread; int is_birth; } Foreign;
typedef struct { const void *frame; PyCodeObject *code; int line, statement, entry; uint64_t execution; } Open;
typedef struct { unsigned long id; int number, depth; Open open[DEEP]; } Thread;

static struct {
    volatile int on, abandoned;
    int64_t current, peak, peak_time, before_freed, small_untracked, small_at_peak;
    uint64_t serial, peak_serial, walk, execution;
    int peak_site, small_tracked, lost, resized_unknown, unmatched;
    int64_t site_value, valley;                        /* bytes when peak_site was set; the least since */
    int64_t now;                                       /* the last time read */
    Block *blocks; size_t block_cap, block_count;
    Block *ghosts; size_t ghost_cap, ghost_count;
    Site *sites; int site_cap, site_count; Key *keys; size_t key_cap, key_count;
    Line *lines; int line_cap, line_count;
    File *files; int file_count;
    Point *points; size_t point_count; int64_t stride, last_point; Bucket bucket;
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
    Foreign *foreign; size_t foreign_cap; volatile size_t foreign_count; PyThread_type_lock lock;
} L;

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

/* ---- the curve: exact steps until POINTS of them, then buckets that keep their extremes --------------------- */

static void point_put(int64_t time, int64_t value)
{
    if (L.point_count == 2 * POINTS) {
        /* Pairs of neighbours become their lowest and highest value, in the order they came: 4 points -> 2. */
        size_t kept = 0;
        for (size_t i = 0; i + 4 <= L.point_count; i += 4) {
            Point *p = &L.points[i], *low = p, *high = p;
            for (int k = 1; k < 4; k++) {
                if (p[k].value < low->value) low = &p[k];
                if (p[k].value > high->value) high = &p[k];
            }
            Point first = low < high ? *low : *high, second = low < high ? *high : *low;
            L.points[kept++] = first;
            L.points[kept++] = second;
        }
        L.point_count = kept;
        L.stride *= 2;
    }
    L.points[L.point_count].time = time;
    L.points[L.point_count++].value = value;
}

static void bucket_flush(void)
{
    Bucket *b = &L.bucket;
    if (!b->count) return;
    if (b->low_time < b->high_time) { point_put(b->low_time, b->low); point_put(b->high_time, b->high); }
    else if (b->high_time < b->low_time) { point_put(b->high_time, b->high); point_put(b->low_time, b->low); }
    else point_put(b->last_time, b->last);
    b->count = 0;
}

static SELDOM void curve_step(int64_t time)
{
    L.last_point = L.current;
    if (L.stride == 1) { point_put(time, L.current); return; }
    Bucket *b = &L.bucket;
    if (!b->count) { b->low = b->high = L.current; b->low_time = b->high_time = time; }
    if (L.current < b->low) { b->low = L.current; b->low_time = time; }
    if (L.current > b->high) { b->high = L.current; b->high_time = time; }
    b->last = L.current;
    b->last_time = time;
    if (++b->count >= 2 * L.stride) bucket_flush();
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
    if (line < 0) return NOWHERE;
    if (line >= f->size) {
        int size = line + 64;
        int *grown = realloc(f->lines, (size_t)size * sizeof(int));
        if (!grown) { L.lost = 1; return NOWHERE; }
        memset(grown + f->size, 0, (size_t)(size - f->size) * sizeof(int));
        f->lines = grown;
        f->size = size;
    }
    if (f->lines[line]) return f->lines[line];
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
    for (int i = 1; i < L.site_count; i++) {
        if (L.sites[i].code == code && memcmp(L.sites[i].place, place, sizeof place) == 0) return i;
    }
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
    return L.site_count++;
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
    if (key.site != NOWHERE && (++L.key_count * 2 < L.key_cap || keys_grow())) key_put(L.keys, key);
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

/* ---- births and deaths ------------------------------------------------------------------------------------------ */

/* A step of the curve, when the total has moved far enough from the last one.  Small buffers have no time of their
 * own (a clock costs more than they do) until their sum makes a step. */
static inline void maybe_step(int64_t size)
{
    int64_t moved = L.current - L.last_point;
    if (RARE((uint64_t)(moved + BIG - 1) >= 2 * BIG - 1)) curve_step(size >= BIG ? L.now : (L.now = now_ns()));
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

static inline void birth(uintptr_t address, int64_t size, int site, unsigned long thread, int64_t time)
{
    L.serial++;
    L.current += size;
    Site *s = &L.sites[site];
    s->hits++;
    s->gross += size;
    if ((size >= BIG || L.small_tracked < SMALL_TRACKED) && block_room()) {
        Block *slot = block_slot(address);
        if (RARE(slot->address)) {   /* freed behind our back: it is gone */
            block_died(slot);
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
    else L.small_untracked += size;
    if (L.current > L.peak) {
        L.peak = L.current;
        L.peak_serial = L.serial;
        L.peak_time = time;
        /* The peak is named after the expression that took the bytes, not after the last few bytes on top of it: the
         * name stays while the total has neither grown nor fallen by a hundredth. */
        if (L.current - L.site_value > L.site_value / 100 || L.site_value - L.valley > L.site_value / 100) {
            L.peak_site = site;
            L.site_value = L.valley = L.current;
        }
        L.small_at_peak = L.small_untracked;
        L.ghost_count = 0;
    }
    maybe_step(size);
}

/* `size` is what NumPy says; the size noted at birth wins where there is one.  Returns the bytes that went. */
static int64_t death_size(uintptr_t address, int64_t size, Block **found)
{
    *found = block_find(address);
    return *found ? (*found)->size : size;
}

static inline void death(Block *block, int64_t size)
{
    L.current -= size;
    if (L.current < L.valley) L.valley = L.current;
    if (block) {
        if (block->site == BEFORE) L.before_freed += size;
        block_died(block);
    }
    else if (size < BIG && L.small_untracked >= size) L.small_untracked -= size;
    else L.before_freed += size;
    maybe_step(size);
}

/* ---- events of threads that do not hold the GIL ------------------------------------------------------------------ */

static SELDOM void foreign_put(uintptr_t address, int64_t size, int is_birth)
{
    PyThread_acquire_lock(L.lock, WAIT_LOCK);
    if (L.on) {
        if (L.foreign_count == L.foreign_cap) {
            size_t cap = L.foreign_cap ? L.foreign_cap * 2 : 64;
            Foreign *grown = realloc(L.foreign, cap * sizeof(Foreign));
            if (grown) { L.foreign = grown; L.foreign_cap = cap; }
        }
        if (L.foreign_count < L.foreign_cap) {
            Foreign event = {address, size, now_ns(), PyThread_get_thread_ident(), is_birth};
            L.foreign[L.foreign_count++] = event;
        }
        else L.lost = 1;
    }
    PyThread_release_lock(L.lock);
}

static SELDOM void foreign_take(void)
{
    PyThread_acquire_lock(L.lock, WAIT_LOCK);
    Foreign *events = L.foreign;
    size_t count = L.foreign_count;
    L.foreign = NULL;
    L.foreign_count = L.foreign_cap = 0;
    PyThread_release_lock(L.lock);
    for (size_t i = 0; i < count; i++) {
        Foreign *e = &events[i];
        L.now = e->time;
        if (e->is_birth) {
            line_charge(NOWHERE, e->size, 0, ++L.walk);
            birth(e->address, e->size, NOWHERE, e->thread, e->time);
        }
        else {
            Block *block;
            int64_t size = death_size(e->address, e->size, &block);
            line_charge(NOWHERE, -size, 0, ++L.walk);
            death(block, size);
        }
    }
    free(events);
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
    if (RARE(L.foreign_count)) foreign_take();
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
    if (RARE(L.foreign_count)) foreign_take();
    Block *block;
    int64_t bytes = death_size((uintptr_t)address, (int64_t)size, &block);
    if (bytes >= BIG) L.now = now_ns();
    if (charge_root(ts, -bytes) < 0) {
        charge_any(ts, -bytes);
        block = block_find((uintptr_t)address);   /* the walk may, rarely, have run code that moved the slots */
    }
    death(block, bytes);
}

static void *hook_malloc(void *context, size_t size)
{
    if (RARE(guard.on) && guard_refuses((int64_t)size)) return NULL;
    void *made = original.malloc(context, size);
    if (RARE(guard.on) && made) guard.level += (int64_t)size;
    if (made && L.on) note_birth(made, size);
    return made;
}

static void *hook_calloc(void *context, size_t count, size_t size)
{
    if (RARE(guard.on) && guard_refuses((int64_t)(count * size))) return NULL;
    void *made = original.calloc(context, count, size);
    if (RARE(guard.on) && made) guard.level += (int64_t)(count * size);
    if (made && L.on) note_birth(made, count * size);
    return made;
}

static void hook_free(void *context, void *address, size_t size)
{
    if (RARE(guard.on) && address) guard.level -= (int64_t)size;
    if (address && L.on) note_death(address, size);   /* before the address can be handed out again */
    original.free(context, address, size);
}

/* A moved buffer is a death and a birth: the new size counts as allocated, never both at once. */
static void *hook_realloc(void *context, void *address, size_t size)
{
    uintptr_t old = (uintptr_t)address;
    if (RARE(guard.on) && guard_refuses_resize(old, (int64_t)size)) return NULL;
    void *made = original.realloc(context, address, size);
    if (made && L.on) {
        if (old && holding_gil()) {
            if (L.foreign_count) foreign_take();
            if (!block_find(old)) L.resized_unknown++;
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
        if (is_new) line->base = line->net;
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
    int index = line_index(file, number, code);
    Thread *thread = thread_of(id);
    if (index == NOWHERE || !thread) return 1;
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
        if (line->hits < HOT) line->hits++;
        if (L.event_count < EVENTS) {
            Event event = {time, index, (short)thread->number, (short)at};
            L.events[L.event_count++] = event;
        }
    }
    if (++line->events < HOT) return 0;
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
    if (!thread) return 1;
    int at = thread->depth - 1;
    while (at >= 0 && thread->open[at].frame != frame) at--;
    if (at < 0) return ++L.unmatched >= HOT;   /* its lines are hot, or it went on after a yield */
    int index = thread->open[at].line;
    if (frame == L.root_frame) L.root_frame = NULL;
    close_down_to(thread, at, L.now = now_ns());
    return ++L.lines[index].returns >= HOT;
}

/* The first time a file speaks, ask Python which lines make up one statement. */
static void file_describe(File *file)
{
    if (file->statements || !L.describe) return;
    file->statements = calloc(1, sizeof(int));
    PyObject *answer = PyObject_CallOneArg(L.describe, file->name);
    if (answer && PyBytes_Check(answer) && file->statements) {
        size_t size = (size_t)PyBytes_GET_SIZE(answer);
        int *grown = realloc(file->statements, size ? size : sizeof(int));
        if (grown) {
            memcpy(grown, PyBytes_AS_STRING(answer), size);
            file->statements = grown;
            file->statement_count = (int)(size / sizeof(int));
        }
    }
    if (!answer) PyErr_WriteUnraisable(L.describe);
    Py_XDECREF(answer);
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
        file_describe(&L.files[file]);
        PyObject *done = PyObject_CallOneArg(L.follow, args[0]);
        if (!done) return NULL;
        Py_DECREF(done);
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
    int off = line_event((unsigned long)ts->thread_id, running_frame(ts), code, file, (int)PyLong_AsLong(args[1]),
                         running_offset(ts));
    if (!off) Py_RETURN_NONE;
    if (!L.quiet) return Py_NewRef(L.disable);
    /* Where a line can be jumped to from within itself, the interpreter looks for an event each time, and finds none. */
    return PyObject_CallFunctionObjArgs(L.quiet, args[0], args[1], NULL);
}

/* sys.monitoring PY_RETURN and PY_YIELD: (code, offset, value). */
static PyObject *on_end(PyObject *const *args, Py_ssize_t count, int may_await)
{
    if (!L.on || count < 1 || !PyCode_Check(args[0])) Py_RETURN_NONE;
    PyThreadState *ts = PyThreadState_Get();
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

static int trace_function(PyObject *self, PyFrameObject *frame, int what, PyObject *arg)
{
    (void)self;
    (void)arg;
    PyThreadState *ts = PyThreadState_Get();
    if (!L.on || !clock_wanted) { PyEval_SetTrace(NULL, NULL); return 0; }
    if (what != PyTrace_LINE && what != PyTrace_RETURN) return 0;
    PyCodeObject *code = PyFrame_GetCode(frame);
    int file = followed(code), idle = 0;
    /* This event does not tell a return from an await: a coroutine's line is closed by what comes next. */
    if (file >= 0 && what == PyTrace_RETURN) idle = return_event((unsigned long)ts->thread_id, RUNNING_FRAME(ts), code, 1);
    else if (file >= 0) {
        file_describe(&L.files[file]);
        idle = line_event((unsigned long)ts->thread_id, RUNNING_FRAME(ts), code, file, PyFrame_GetLineNumber(frame),
                          PyFrame_GetLasti(frame));
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
    PyEval_SetTrace(clock_wanted ? trace_function : NULL, NULL);
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
    free(L.blocks); free(L.ghosts); free(L.sites); free(L.keys); free(L.lines); free(L.files);
    free(L.points); free(L.events); free(L.threads); free(L.foreign);
    Py_XDECREF(L.codes); Py_XDECREF(L.stop_file); Py_XDECREF(L.follow); Py_XDECREF(L.quiet);
    Py_XDECREF(L.describe); Py_XDECREF(L.disable);
    PyThread_type_lock lock = L.lock;
    memset(&L, 0, sizeof L);
    L.lock = lock;
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
    L.points = malloc((2 * POINTS + 2) * sizeof(Point));
    L.events = malloc(EVENTS * sizeof(Event));
    L.site_count = L.line_count = 1;   /* number 0 is "nowhere" */
    L.stride = 1;
    return L.blocks && L.sites && L.lines && L.keys && L.points && L.events;
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
        if (block.address && !block_find(block.address)) block_put(&block);
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

PyDoc_STRVAR(start_doc, "start(whole_files, partial_files, codes, known, runner, describe, follow, quiet, disable) -> int\n\n"
"Begin counting; returns the start in nanoseconds. `whole_files` and `partial_files` are tuples of co_filename:\n"
"all code of the first is followed, of the second only the code objects in the tuple `codes`. `known` maps addresses\n"
"of existing buffers to bytes. `runner` is the co_filename of the code that runs the cell: walks end there. `describe(filename)` answers with native ints, one a line: twice the first line of its\n"
"statement, plus 1 for the head of a `with`. `follow(code)` is called once a followed code object starts, `quiet(code, line)`\n"
"once a line of it has run often enough; its answer goes back to sys.monitoring.");

static PyObject *start(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *whole, *partial, *codes, *known, *runner, *describe, *follow, *quiet, *disable;
    if (!PyArg_ParseTuple(args, "O!O!O!O!UOOOO", &PyTuple_Type, &whole, &PyTuple_Type, &partial, &PyTuple_Type, &codes,
                          &PyDict_Type, &known, &runner, &describe, &follow, &quiet, &disable)) return NULL;
    if (L.on) return PyErr_Format(PyExc_RuntimeError, "the ledger is already counting");
    forget();
    if (!make_room() || !take_files(whole, partial) || !take_known(known)) {
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
    point_put(time, 0);
    thread_of(L.main_id);   /* number 0 */
    L.on = 1;
    return PyLong_FromLongLong(time);
}

static PyObject *block_tuple(const Block *b)
{
    return Py_BuildValue("(KLLKki)", (unsigned long long)b->address, (long long)b->size, (long long)b->born,
                         (unsigned long long)b->serial, b->thread, b->site);
}

/* Those of `blocks` that were made under the trace, as a list of (address, size, born, serial, thread, site). */
static PyObject *block_list(const Block *blocks, size_t count)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < count; i++) {
        if (!blocks[i].address || blocks[i].site == BEFORE) continue;
        PyObject *item = block_tuple(&blocks[i]);
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
        PyObject *item = Py_BuildValue("(OiOLiLLLLL)", name, l->line, l->code ? (PyObject *)l->code : Py_None,
                                       (long long)l->hits, l->hot, (long long)l->nanoseconds, (long long)l->gap,
                                       (long long)l->gross, (long long)l->net, (long long)l->peak);
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
    L.on = 0;
    if (L.foreign_count) foreign_take();
}

PyDoc_STRVAR(stop_doc, "stop() -> dict\n\nEnd counting, put NumPy's allocator back, and hand over what was counted.");

static PyObject *stop(PyObject *self, PyObject *ignored)
{
    (void)self;
    (void)ignored;
    if (!L.on && !L.abandoned) return PyErr_Format(PyExc_RuntimeError, "the ledger is not counting");
    int64_t time = L.abandoned ? L.now : now_ns();
    if (L.on) end_counting();
    for (int i = 0; i < L.thread_count; i++) close_down_to(L.threads[i], 0, time);
    bucket_flush();
    point_put(time, L.current);
    PyObject *result = Py_BuildValue(
        "{sLsLsLsLsLsLsKsisLsLsLsisisisNsNsNsNsNsN}",
        "stopped", (long long)time, "current", (long long)L.current, "peak", (long long)L.peak,
        "gross", (long long)gross_now(), "births", (long long)L.serial,
        "peak_time", (long long)L.peak_time, "peak_serial", (unsigned long long)L.peak_serial,
        "peak_site", L.peak_site, "before_freed", (long long)L.before_freed,
        "small_at_peak", (long long)L.small_at_peak, "small_untracked", (long long)L.small_untracked,
        "lost", L.lost, "resized_unknown", L.resized_unknown, "abandoned", L.abandoned,
        "sites", site_list(), "lines", line_list(), "live", block_list(L.blocks, L.block_cap),
        "ghosts", block_list(L.ghosts, L.ghost_count),
        "points", PyBytes_FromStringAndSize((const char *)L.points, (Py_ssize_t)(L.point_count * sizeof(Point))),
        "events", PyBytes_FromStringAndSize((const char *)L.events, (Py_ssize_t)(L.event_count * sizeof(Event))));
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

PyDoc_STRVAR(reset_doc, "reset_peak() -> None\n\nThe peak starts again from the bytes allocated now.");

static PyObject *reset_peak(PyObject *self, PyObject *ignored)
{
    (void)self;
    (void)ignored;
    L.peak = L.current;
    L.peak_serial = L.serial;
    L.peak_time = L.now;
    L.peak_site = NOWHERE;
    L.site_value = L.valley = 0;
    L.small_at_peak = L.small_untracked;
    L.ghost_count = 0;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(abandon_doc, "abandon() -> None\n\nStop counting at once; `stop` hands over what was counted so far. For a forked child.");

static PyObject *abandon(PyObject *self, PyObject *ignored)
{
    (void)self;
    (void)ignored;
    if (!L.on) Py_RETURN_NONE;
    hooks_out();
    L.on = 0;
    L.abandoned = 1;
    L.lock = PyThread_allocate_lock();   /* the parent's may be held by a thread that does not exist here */
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
    {"reset_peak", reset_peak, METH_NOARGS, reset_doc},
    {"abandon", abandon, METH_NOARGS, abandon_doc},
    {"guard_start", guard_start, METH_VARARGS, guard_start_doc},
    {"guard_stop", guard_stop, METH_NOARGS, guard_stop_doc},
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
    L.lock = PyThread_allocate_lock();
    if (!L.lock) return PyErr_NoMemory();
    return PyModule_Create(&module);
#endif
}
