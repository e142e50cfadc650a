/* _objects.h: Python's own bytes beside NumPy's. A part of _ledger.c, included there once.
 *
 * tracemalloc keeps one total for all that Python's allocators give out and all that NumPy tells it of, and the highest
 * that total was since it was last reset.  The ledger knows how much of it is NumPy's.  So whatever is left is Python's,
 * exactly, if the total is read and its peak reset whenever NumPy's part changes: in the hooks, besides at every line.
 * What rose or fell since the last reading is charged to the lines that are open in the thread that ran.
 *
 * When it is read, NumPy's part is the one before the event: NumPy tells tracemalloc of a new buffer after our hook, and
 * of the end of one before it (`gone`).  From NumPy 2.5 on a new buffer is Python's for a moment, inside of NumPy's own
 * malloc: it is read before that, and the peak reset after it.  The objects that reading makes are gone when the peak is
 * reset.  A request that fails is no buffer, but up to 2.4 NumPy tells tracemalloc of one at address 0: that is taken off
 * at the next reading.  Bytes taken while no statement of the cell runs (compiling the next one, say) are ours and shift the base.
 */

/* NumPy's bytes that tracemalloc forgets with this buffer. */
static inline int64_t objects_traced(uintptr_t address, const Block *block, int64_t size)
{
    if (block) return block->site == BEFORE && block->thread ? 0 : size;   /* see objects_take */
    if (L.objects.sees_older) return size;
    ptrdiff_t at = packed_find(address);
    if (at >= 0) return (L.packed[at] & PACKED_BEFORE) == PACKED_BEFORE ? 0 : size;
    return L.loose >= size && size < HUGE_SIZE ? size : 0;
}

/* The same for a buffer of which only the address is known; 0 when it is in no table. */
static int64_t objects_traced_at(uintptr_t address)
{
    const Block *block = block_find(address);
    if (block) return objects_traced(address, block, block->size);
    ptrdiff_t at = packed_find(address);
    return at < 0 ? 0 : objects_traced(address, NULL, (int64_t)L.packed_size[at]);
}

static void objects_reset(void)
{
    PyObject *done = PyObject_CallNoArgs(L.objects.reset);
    if (!done) PyErr_Clear();
    Py_XDECREF(done);
}

static int objects_call(int64_t *total, int64_t *high)
{
    PyObject *pair = PyObject_CallNoArgs(L.objects.read);
    int good = pair && PyTuple_Check(pair) && PyTuple_GET_SIZE(pair) == 2;
    if (good) {
        *total = PyLong_AsLongLong(PyTuple_GET_ITEM(pair, 0));
        *high = PyLong_AsLongLong(PyTuple_GET_ITEM(pair, 1));
    }
    if (!good) PyErr_Clear();
    Py_XDECREF(pair);
    objects_reset();
    return good;
}

/* A request failed since the last reading: NumPy may have told tracemalloc of its bytes at address 0. */
static int objects_call_again(int64_t *total, int64_t *high)
{
    int64_t then = *total, then_high;
    L.objects.failed = 0;
    PyTraceMalloc_Untrack(L.objects.domain, 0);
    int good = objects_call(total, &then_high);
    *high -= then - *total;
    return good;
}

/* tracemalloc's total and peak, and the peak reset; 0 when that failed. Leaves an error that is being raised alone. */
static int objects_ask(int64_t *total, int64_t *high)
{
    PyObject *type = NULL, *value = NULL, *traceback = NULL;
    int is_raising = PyErr_Occurred() != NULL;
    if (is_raising) PyErr_Fetch(&type, &value, &traceback);
#if PY_VERSION_HEX < 0x030C0000
    int collecting = PyGC_Disable();   /* making a tuple may start a collection, and with it anybody's code */
#endif
    int good = objects_call(total, high) && (!L.objects.failed || objects_call_again(total, high));
#if PY_VERSION_HEX < 0x030C0000
    if (collecting) PyGC_Enable();
#endif
    if (is_raising) PyErr_Restore(type, value, traceback);
    return good;
}

static void objects_line(int index, int64_t delta, int64_t excess)
{
    Line *line = &L.lines[index];
    if (line->mark == L.walk) return;
    line->mark = L.walk;
    int64_t above = line->objects_net + excess - line->objects_base;
    if (above > line->objects_peak) line->objects_peak = above;
    line->objects_net += delta;
}

/* Python's bytes rose to `excess` above the last reading and are `delta` above it now. */
static void objects_charge(int64_t delta, int64_t excess)
{
    Objects *o = &L.objects;
    Thread *ran[2] = {o->running, o->running == L.threads[0] ? NULL : L.threads[0]};
    L.walk++;
    for (int which = 0; which < 2 && ran[which]; which++) {
        for (int at = ran[which]->depth - 1; at >= 0; at--) objects_line(ran[which]->open[at].line, delta, excess);
    }
    if (!ran[0]->depth && !L.threads[0]->depth) objects_line(NOWHERE, delta, excess);
    int64_t top = o->level + excess;
    o->level += delta;
    if (top <= o->peak && o->level - o->curve.last < BIG && o->curve.last - o->level < BIG) return;
    int64_t time = now_ns();
    if (top > o->peak) { o->peak = top; o->peak_time = time; }
    if (top - o->curve.last >= BIG && top - o->level >= BIG) curve_step(&o->curve, time, top);
    if (o->level - o->curve.last >= BIG || o->curve.last - o->level >= BIG) curve_step(&o->curve, time, o->level);
}

/* Read. `gone`: NumPy's bytes that tracemalloc has forgotten and we have not; `ours`: bytes of a temporary of the
 * interpreter's that exists because of the event. */
static void objects_read(int64_t gone, int64_t ours)
{
    Objects *o = &L.objects;
    int64_t begun = now_ns(), total, high;
    if (o->is_lost) return;
    if (!objects_ask(&total, &high)) { o->missed++; return; }
    /* Stopped or cleared by the cell: nothing that follows can be told apart any more.  Once alone it may be a buffer
     * of a thread without the GIL, which tracemalloc is about to be told of. */
    if (total == 0 || (!o->sees_older && total < o->numpy - gone)) { o->is_lost = ++o->doubts > 2; return; }
    o->doubts = 0;
    if (ours && high == total) high -= ours;
    int64_t level = total - ours - (o->numpy - gone) - o->base;
    int64_t top = high <= o->total ? o->level : high - o->numpy - o->base;
    if (top < level) top = level;
    if (o->is_waiting && o->running == L.threads[0]) o->base += level - o->level;
    else if (level != o->level || top > o->level) objects_charge(level - o->level, top > o->level ? top - o->level : 0);
    o->total = total;
    o->readings++;
    o->nanoseconds += now_ns() - begun;
}

/* Read inside of a hook. This thread is the one that runs from here on. */
static void objects_read_in(PyThreadState *ts, int64_t gone)
{
    objects_read(gone, 0);
    for (int i = 0; i < L.thread_count; i++) {
        if (L.threads[i]->id == (unsigned long)ts->thread_id) { L.objects.running = L.threads[i]; return; }
    }
}

static SELDOM int objects_before_it(uintptr_t old)
{
    PyThreadState *ts = holding_gil();
    if (!ts) return 0;
    if (PEEK(L.foreign_count)) foreign_take();
    if (old) PyTraceMalloc_Untrack(L.objects.domain, old);
    objects_read_in(ts, old ? objects_traced_at(old) : 0);
    return 1;
}

/* Before NumPy's own malloc or realloc; true when `objects_after` is to follow it.  Up to 2.4 NumPy makes tracemalloc
 * forget the `old` buffer before it moves it, from 2.5 on afterwards: here it is always before. */
static inline int objects_before(uintptr_t old)
{
    return RARE(PEEK(L.on) && L.objects.read) ? objects_before_it(old) : 0;
}

/* Behind it: what it `made`, and the `old` buffer, which is kept when that is nothing. */
static void objects_after(const void *made, uintptr_t old)
{
    int64_t traced = !made && old ? objects_traced_at(old) : 0;
    if (traced) PyTraceMalloc_Track(L.objects.domain, old, (size_t)traced);
    if (!made) L.objects.failed = 1;
    if (!PyErr_Occurred()) objects_reset();
}

/* Nothing, for a request that the guard refuses. */
static void *objects_refused(uintptr_t old)
{
    if (objects_before(old)) objects_after(NULL, old);
    return NULL;
}

/* What rose since the last reading is ours. */
static void objects_forget(void)
{
    int64_t total, high;
    if (L.objects.is_lost || !objects_ask(&total, &high)) return;
    L.objects.base += total - L.objects.numpy - L.objects.base - L.objects.level;
    L.objects.total = total;
}

#if PY_VERSION_HEX >= 0x030C0000
/* The bytes of an event's line or offset, which is an object of its own from 257 on. */
static int64_t objects_number(PyObject *number)
{
    return PyLong_AsLong(number) > 256 ? L.objects.number : 0;
}
#endif

/* (get_traced_memory, reset_peak, domain, addresses that tracemalloc does not know of or None for all), or None. */
static int objects_take(PyObject *asked)
{
    PyObject *read, *reset, *unseen, *address;
    Objects *o = &L.objects;
    if (asked == Py_None) return 1;
    if (!PyArg_ParseTuple(asked, "OOIO", &read, &reset, &o->domain, &unseen) || !curve_make(&o->curve)) return 0;
    o->read = Py_NewRef(read);
    o->reset = Py_NewRef(reset);
    o->sees_older = unseen != Py_None;
    for (size_t i = 0; i < L.block_cap; i++) {
        if (!L.blocks[i].address) continue;
        if (!o->sees_older) { L.blocks[i].thread = 1; continue; }
        address = PyLong_FromUnsignedLongLong((unsigned long long)L.blocks[i].address);
        int is_unseen = address ? PySequence_Contains(unseen, address) : -1;
        Py_XDECREF(address);
        if (is_unseen < 0) return 0;
        L.blocks[i].thread = (unsigned long)is_unseen;
    }
    return 1;
}

static void objects_begin(int64_t time)
{
    L.objects.is_waiting = 1;
    L.objects.peak_time = time;
    point_put(&L.objects.curve, time, 0);
    objects_forget();   /* twice: the first makes what later readings find in the interpreter's free lists */
    objects_forget();
    int64_t before = L.objects.total;
#if PY_VERSION_HEX >= 0x030D0000   /* as the interpreter makes them for its events: the two differ by four bytes */
    PyObject *number = PyLong_FromLong(1000);
#else
    PyObject *number = PyLong_FromSsize_t(1000);
#endif
    objects_forget();
    L.objects.number = L.objects.total - before;
    Py_XDECREF(number);
    objects_forget();
}

/* What was counted: net, peak, when, readings and their nanoseconds, whether some are missing, the curve; or None. */
static PyObject *objects_told(int64_t time)
{
    Objects *o = &L.objects;
    if (!o->read) Py_RETURN_NONE;
    bucket_flush(&o->curve);
    point_put(&o->curve, time, o->level);
    return Py_BuildValue("(LLLLLiiN)", (long long)o->level, (long long)o->peak, (long long)o->peak_time,
                         (long long)o->readings, (long long)o->nanoseconds, o->doubts > 0, o->missed,
                         PyBytes_FromStringAndSize((const char *)o->curve.points,
                                                   (Py_ssize_t)(o->curve.count * sizeof(Point))));
}
