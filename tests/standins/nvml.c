/* A stand-in for NVIDIA's libnvidia-ml.so.1: what the tests need of it, steered by a text file.
 *
 * NVML_STANDIN names the file. Its lines:
 *   init N                     nvmlInit answers N (an NVML error; 0 is fine)
 *   gpu UUID NAME TOTAL USED   a device; blanks in NAME are underscores
 *   slice UUID NAME TOTAL USED a MIG device of the gpu above it
 *   process PID BYTES          on the device or slice above; BYTES -1: the driver does not tell
 *   noprocesses N              asking that device for its processes answers N
 *   lost N                     every reading of memory answers N
 *   kill                       reading memory kills the process that reads
 * The file is read again at each call, so that a test may change it in mid-run.
 * Any call that would set something is not here: pynvml then says "Function Not Found".
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define MOST 16

typedef struct { unsigned int pid; long long used; } Process;
typedef struct {
    char uuid[96], name[96];
    unsigned long long total, used;
    int parent, count, refuses; /* parent -1: a whole device */
    Process processes[MOST];
} Device;
typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { unsigned int pid; unsigned long long used; unsigned int gi, ci; } Info;

static Device devices[MOST];
static int count, init_answer, lost, kills;

static void load(void) {
    char line[512], *path = getenv("NVML_STANDIN");
    FILE *file = path ? fopen(path, "r") : NULL;
    int parent = -1;
    count = init_answer = lost = kills = 0;
    while (file && fgets(line, sizeof line, file)) {
        Device *last = count ? &devices[count - 1] : NULL, one = {.parent = -1};
        unsigned int pid;
        long long bytes;
        if (sscanf(line, "init %d", &init_answer) == 1 || sscanf(line, "lost %d", &lost) == 1) continue;
        if (!strncmp(line, "kill", 4)) kills = 1;
        else if (sscanf(line, "gpu %95s %95s %llu %llu", one.uuid, one.name, &one.total, &one.used) == 4) {
            parent = count;
            devices[count++] = one;
        } else if (sscanf(line, "slice %95s %95s %llu %llu", one.uuid, one.name, &one.total, &one.used) == 4) {
            one.parent = parent;
            devices[count++] = one;
        } else if (last && sscanf(line, "process %u %lld", &pid, &bytes) == 2)
            last->processes[last->count++] = (Process){pid, bytes};
        else if (last) sscanf(line, "noprocesses %d", &last->refuses);
    }
    if (file) fclose(file);
    for (int at = 0; at < count; at++)
        for (char *c = devices[at].name; *c; c++) if (*c == '_') *c = ' ';
}

/* A handle is the place in `devices`, plus one. */
static Device *device(void *handle) { return &devices[(size_t)handle - 1]; }

EXPORT int nvmlInitWithFlags(unsigned int flags) { (void)flags; load(); return init_answer; }
EXPORT int nvmlShutdown(void) { return 0; }
EXPORT const char *nvmlErrorString(int error) { return error == 15 ? "GPU is lost" : error == 9 ? "Driver Not Loaded" : "an error"; }
EXPORT int nvmlSystemGetDriverVersion(char *text, unsigned int size) { snprintf(text, size, "580.1"); return 0; }
EXPORT int nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = 13000; return 0; }
EXPORT int nvmlDeviceGetCount_v2(unsigned int *n) {
    load();
    *n = 0;
    for (int at = 0; at < count; at++) *n += devices[at].parent < 0;
    return 0;
}
EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **handle) {
    for (int at = 0; at < count; at++)
        if (devices[at].parent < 0 && !index--) { *handle = (void *)(size_t)(at + 1); return 0; }
    return 6;
}
EXPORT int nvmlDeviceGetHandleByUUID(const char *uuid, void **handle) {
    load();
    for (int at = 0; at < count; at++)
        if (!strcmp(devices[at].uuid, uuid)) { *handle = (void *)(size_t)(at + 1); return 0; }
    return 6;
}
EXPORT int nvmlDeviceGetUUID(void *handle, char *text, unsigned int size) { snprintf(text, size, "%s", device(handle)->uuid); return 0; }
EXPORT int nvmlDeviceGetName(void *handle, char *text, unsigned int size) { snprintf(text, size, "%s", device(handle)->name); return 0; }
EXPORT int nvmlDeviceGetMigMode(void *handle, unsigned int *now, unsigned int *pending) {
    int place = (int)((size_t)handle - 1);
    for (int at = 0; at < count; at++)
        if (devices[at].parent == place) { *now = *pending = 1; return 0; }
    return 3; /* not supported */
}
EXPORT int nvmlDeviceGetMaxMigDeviceCount(void *handle, unsigned int *n) { (void)handle; *n = 7; return 0; }
EXPORT int nvmlDeviceGetMigDeviceHandleByIndex(void *handle, unsigned int index, void **slice) {
    int place = (int)((size_t)handle - 1);
    for (int at = 0; at < count; at++)
        if (devices[at].parent == place && !index--) { *slice = (void *)(size_t)(at + 1); return 0; }
    return 6;
}
EXPORT int nvmlDeviceGetMemoryInfo(void *handle, Memory *memory) {
    load();
    if (kills) raise(SIGKILL);
    if (lost) return lost;
    *memory = (Memory){device(handle)->total, device(handle)->total - device(handle)->used, device(handle)->used};
    return 0;
}
EXPORT int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned int *n, Info *infos) {
    Device *one = device(handle);
    unsigned int room = *n;
    if (lost) return lost;
    if (one->refuses) return one->refuses;
    *n = (unsigned int)one->count;
    if ((int)room < one->count || (one->count && !infos)) return 7; /* insufficient size */
    for (int at = 0; at < one->count; at++)
        infos[at] = (Info){one->processes[at].pid, (unsigned long long)one->processes[at].used, ~0u, ~0u};
    return 0;
}
