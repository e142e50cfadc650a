/* tape: an independent record of every request to NumPy's default data allocator, for the tests.
 *
 * It stands below whatever swaps the handler's function pointers later, and sees the same requests in the same order:
 * THROUGH says that one came through such hooks.  It shares no code with the package and keeps no totals.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct {
    char name[127];
    uint8_t version;
    void *ctx;
    void *(*malloc)(void *, size_t);
    void *(*calloc)(void *, size_t, size_t);
    void *(*realloc)(void *, void *, size_t);
    void (*free)(void *, void *, size_t);
} Handler;

enum { THROUGH = 1, DEATH = 2, UNTOLD = 4 };   /* UNTOLD: the request did not tell the size */
typedef struct { uintptr_t address; int64_t size, flags; } Event;

static Handler *handler;
static Handler found;   /* as it was */
static Event *events;
static size_t count, cap;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *tape_malloc(void *ctx, size_t size);

static void note(void *address, size_t size, int64_t flags)
{
    if (!address) return;
    pthread_mutex_lock(&lock);
    if (count == cap) {
        cap = cap ? cap * 2 : 4096;
        events = realloc(events, cap * sizeof(Event));
        if (!events) abort();
    }
    events[count].address = (uintptr_t)address;
    events[count].size = (int64_t)size;
    events[count++].flags = flags | (handler->malloc != tape_malloc ? THROUGH : 0);
    pthread_mutex_unlock(&lock);
}

static void *tape_malloc(void *ctx, size_t size)
{
    void *made = found.malloc(ctx, size);
    note(made, size, 0);
    return made;
}

static void *tape_calloc(void *ctx, size_t number, size_t size)
{
    void *made = found.calloc(ctx, number, size);
    note(made, number * size, 0);
    return made;
}

static void tape_free(void *ctx, void *address, size_t size)
{
    note(address, size, DEATH);
    found.free(ctx, address, size);
}

static void *tape_realloc(void *ctx, void *address, size_t size)
{
    void *made = found.realloc(ctx, address, size);
    if (made) {
        note(address, 0, DEATH | UNTOLD);
        note(made, size, 0);
    }
    return made;
}

void tape_in(Handler *into)
{
    handler = into;
    found = *into;
    into->malloc = tape_malloc;
    into->calloc = tape_calloc;
    into->realloc = tape_realloc;
    into->free = tape_free;
}

void tape_out(void)
{
    handler->malloc = found.malloc;
    handler->calloc = found.calloc;
    handler->realloc = found.realloc;
    handler->free = found.free;
}

/* The events since the last call, to be given back to `tape_free_events`. */
Event *tape_take(size_t *number)
{
    pthread_mutex_lock(&lock);
    Event *taken = events;
    *number = count;
    events = NULL;
    count = cap = 0;
    pthread_mutex_unlock(&lock);
    return taken;
}

void tape_free_events(Event *taken) { free(taken); }

/* A second handler, as a tool would set one with PyDataMem_SetHandler: its buffers never meet the default one. */
static void *other_malloc(void *ctx, size_t size) { (void)ctx; return malloc(size); }
static void *other_calloc(void *ctx, size_t number, size_t size) { (void)ctx; return calloc(number, size); }
static void *other_realloc(void *ctx, void *address, size_t size) { (void)ctx; return realloc(address, size); }
static void other_free(void *ctx, void *address, size_t size) { (void)ctx; (void)size; free(address); }

Handler other_handler = {"torture_other", 1, NULL, other_malloc, other_calloc, other_realloc, other_free};

/* Ask NumPy's allocator for buffers and free them, without the GIL where the caller has released it: all `rounds` of
 * them are alive at one time, a third of them resized.  One is left, to be freed by `storm_end`.  NumPy's own calloc, and
 * its cache for less than 1 KiB, want the GIL. */
void *storm(Handler *h, int rounds, int size)
{
    void **kept = calloc((size_t)rounds + 1, sizeof(void *));
    if (!kept) abort();
    for (int i = 0; i < rounds; i++) kept[i] = h->malloc(h->ctx, (size_t)(size + i));
    for (int i = 0; i < rounds; i += 3) kept[i] = h->realloc(h->ctx, kept[i], (size_t)(2 * size + i));
    for (int i = 1; i < rounds; i++) h->free(h->ctx, kept[i], (size_t)(i % 3 ? size + i : 2 * size + i));
    void *left = kept[0];
    free(kept);
    return left;
}

void storm_end(Handler *h, void *left, int size) { h->free(h->ctx, left, (size_t)(2 * size)); }
